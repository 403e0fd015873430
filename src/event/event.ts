/**
 * AgentEvent: the language between the adapters, which know one agent's dialect each, and the core, which knows none.
 * Pure data: time arrives in the event, never from a clock. All times are nanoseconds since the epoch.
 */

/** What every event says: who, which session, when. `runKey` is the agent's own turn id where it gives one. */
export type EventBase = {
  agent: string;
  sessionId: string;
  atNs: bigint;
  runKey?: string;
  /** The subagent that the event belongs to; absent for the main agent. */
  subagentId?: string;
  /** The agent's name for a piece of work, where some of its events name neither session nor run: what joins them. */
  taskId?: string;
  /**
   * Read in the agent's own record, not told by a hook: no session comes into being by it, and what is older than the
   * session is history. Events that only a transcript tells need not say it.
   */
  recorded?: true;
};

/** Token counts that are disjoint and add up to what the model read and wrote. */
export type Usage = {
  input: number;
  cacheRead: number;
  cacheWrite5m: number;
  cacheWrite1h: number;
  /** Output without reasoning. */
  output: number;
  reasoning: number;
};

export type ToolOutcome = "success" | "error" | "denied" | "blocked" | "cancelled" | "unknown";

/** Content that leaves the machine only if capture is on. Already parsed, never redacted or cut at this point. */
export type Content = { input?: string; output?: string };

export type AgentEvent =
  | (EventBase & {
      kind: "session.started";
      /** `compact` goes on in the same process; every other source is a new one. */
      source: "startup" | "resume" | "clear" | "compact" | "fork" | "unknown";
      model?: string;
      /** The session that this one follows in the same process; filled in by the bridge from its index. */
      previousSessionId?: string;
    })
  | (EventBase & {
      /** The conversation of another session goes on under this id (some agents rotate it when they compact). */
      kind: "session.continued";
      previousSessionId: string;
      /** The id that the conversation began under, if that is not the previous one; filled in by the bridge. */
      conversationId?: string;
    })
  | (EventBase & { kind: "session.ended"; reason: string })
  | (EventBase & {
      kind: "prompt.submitted";
      /** `review`: the agent looks back by itself, beside the user's turns. Such a run ends no other, and none ends it. */
      trigger: "user" | "task" | "schedule" | "review";
      content?: Content;
    })
  | (EventBase & {
      kind: "run.stopped";
      /** No source tells more of the end: 2 s of silence after it settle the run. */
      unconfirmed?: true;
      content?: Content;
    })
  | (EventBase & {
      /** A Stop hook blocked the stop before: the run goes on and will stop again. */
      kind: "run.continued";
    })
  | (EventBase & {
      kind: "run.failed";
      errorType: string;
      /** The agent may yet go on (with another model): the failure holds if no model call of the run follows. */
      tentative?: true;
    })
  | (EventBase & {
      kind: "run.interrupted";
      /** Said of the session: it holds for each of its runs that has no end of its own. */
      ofSession?: true;
    })
  | (EventBase & { kind: "run.blocked" })
  | (EventBase & {
      /** The source's word that the run is over for good. `graceMs`: what belongs to it may still come for so long. */
      kind: "run.settled";
      graceMs?: number;
    })
  | (EventBase & {
      /** A final answer was written: with a stop and 2 s of silence this settles a run whose source never says so. */
      kind: "run.answered";
      content?: Content;
    })
  | (EventBase & {
      /**
       * The begin or the end of a run, from a second source that gives no id. It holds only where no hook tells of the
       * session, for hooks tell of the same runs. `about`: what the begin and the end of one run share.
       */
      kind: "run.glimpsed";
      phase: "begin" | "end";
      about: string;
    })
  | (EventBase & {
      kind: "tool.started";
      /** Absent where the agent gives none: starts and ends are then paired by tool and input, the first with the first. */
      callId?: string;
      tool: string;
      mcpServer?: string;
      /** A tool of an MCP server, though the agent does not say of which. */
      ofMcp?: true;
      inputHash?: string;
      content?: Content;
    })
  | (EventBase & {
      kind: "tool.ended";
      callId?: string;
      tool: string;
      mcpServer?: string;
      ofMcp?: true;
      /** Needed only where there is no call id. */
      inputHash?: string;
      outcome: ToolOutcome;
      errorType?: string;
      exitCode?: number;
      durationMs?: number;
      /** When the execution began, after any waiting for a permission, where the agent tells of it. */
      executedNs?: bigint;
      /** The subagent that this call launched; where the agent does not name it, all that began during the call. */
      launched?: { subagentId?: string; background: boolean };
      /** `durationMs` counts the wait for a permission as well. */
      withWait?: true;
      /** A background shell: the span stays open until its notification. */
      backgroundTaskId?: string;
      commits?: number;
      content?: Content;
    })
  | (EventBase & {
      /**
       * A second-hand word on how a call ended (a batch summary, the transcript). It decides only where no `tool.ended`
       * comes, and only when the run settles.
       */
      kind: "tool.reported";
      callId?: string;
      tool: string;
      mcpServer?: string;
      ofMcp?: true;
      /** Needed only where there is no call id. */
      inputHash?: string;
      outcome: ToolOutcome;
      errorType?: string;
      /** The report itself is proof of a call of which no other event tells. */
      opens?: true;
      /** It was executed: that its outcome is unknown does not mean that somebody said no. */
      ran?: true;
      /** The agent's hooks give its calls no id, and its record does: the call may be one that hooks told of without it. */
      idOfRecord?: true;
      content?: Content;
    })
  | (EventBase & {
      kind: "permission.requested";
      tool: string;
      inputHash: string;
      /** The call that it is about, where the agent names it. */
      callId?: string;
    })
  | (EventBase & { kind: "permission.decided"; callId: string; tool: string; decision: "allow" | "deny" })
  | (EventBase & {
      kind: "llm.called";
      /** The API's message id: one span, one count. */
      messageId: string;
      /** The agent tells no id of the API's: `messageId` is made by the adapter, and goes nowhere. */
      isOwnId?: true;
      requestId?: string;
      provider: string;
      requestModel: string;
      responseModel: string;
      finishReason?: string;
      reasoningLevel?: string;
      startNs: bigint;
      /** Absent where the source gave none: the call is shown, and nothing is counted of it. */
      usage?: Usage;
      /** What it cost by the agent's own word, in USD: then no table is asked. Only of a call of which a hook told. */
      costUsd?: number;
      /**
       * The transcript in which the usage was written; the same message may be told of again in another one. Absent where a
       * hook told of the call, at once and as a whole: then `atNs` is its end.
       */
      file?: string;
      /** A call for a purpose of the agent's own (a title, a summary), in one word. */
      auxiliary?: string;
    })
  | (EventBase & {
      kind: "llm.failed";
      attemptId: string;
      provider: string;
      requestModel: string;
      startNs: bigint;
      errorType: string;
      /** What all attempts of one call share. */
      requestId?: string;
      /** A hook told of it, not a transcript: `atNs` is its end. `last`: and no other attempt follows. */
      byHook?: true | "last";
      auxiliary?: string;
    })
  | (EventBase & {
      /** Tokens of a whole run, from an agent that tells of no single model call. */
      kind: "run.used";
      /** What is told of the same part of a run twice, counts once. */
      part: string;
      provider: string;
      model: string;
      usage: Usage;
    })
  | (EventBase & {
      kind: "subagent.started";
      subagentId: string;
      type: string;
      /** Some agents give a subagent a session of its own: its events belong to this one from now on. */
      childSessionId?: string;
    })
  | (EventBase & {
      kind: "subagent.ended";
      subagentId: string;
      type: string;
      outcome?: "success" | "error" | "interrupted";
      /** How long it lived, where its end is told of later than it happened. */
      durationMs?: number;
    })
  | (EventBase & {
      /** Its own word that it failed; it holds if no success of its own follows, whatever its launcher says. */
      kind: "subagent.failed";
      subagentId: string;
      errorType: string;
    })
  | (EventBase & {
      /** Which tool call launched a subagent, learned after its start. */
      kind: "subagent.linked";
      subagentId: string;
      callId: string;
      /** The call returned at once, and the subagent may outlive the run. */
      background?: boolean;
    })
  | (EventBase & { kind: "task.notified"; taskId: string; outcome?: ToolOutcome; errorType?: string })
  | (EventBase & { kind: "compaction.started"; trigger: "manual" | "auto" })
  | (EventBase & { kind: "compaction.ended"; trigger: "manual" | "auto" })
  | (EventBase & {
      kind: "hook.ran";
      hookEvent: string;
      hookName: string;
      source: "system" | "user" | "project" | "unknown";
      status: "completed" | "failed" | "stopped" | "blocked";
      durationMs?: number;
      callId?: string;
      /** Makes the key of the span: what tells this run of the hook from every other. */
      id: string;
    })
  | (EventBase & {
      /** The client's own books: cumulative over all processes that share `startTimeMs`. */
      kind: "cost.stated";
      startTimeMs: number;
      totalUsd: number;
      linesAdded: number;
      linesRemoved: number;
      /** The last statement with the same start time; filled in by the bridge from its index. */
      previous?: { totalUsd: number; linesAdded: number; linesRemoved: number };
    })
  | (EventBase & {
      /**
       * What the client showed of its books while it ran: cumulative like them, and perhaps older than the last call. What is
       * absent was not shown, and is not 0.
       */
      kind: "cost.shown";
      totalUsd?: number;
      linesAdded?: number;
      linesRemoved?: number;
      /** How long these books have been kept: a total that began with its process is told from one that it took over. */
      durationMs?: number;
    })
  | (EventBase & {
      /** Facts about the session that come with any payload. Nothing opens, ends or counts by it. */
      kind: "session.described";
      cwd?: string;
      agentVersion?: string;
      entrypoint?: string;
      headless?: boolean;
      permissionMode?: string;
      /** The session that this one was forked from, where the agent tells. */
      previousSessionId?: string;
      /** Filled in by the bridge from the working directory. */
      repository?: string;
      /** What the hook's own surroundings say; absent where no hook speaks. */
      hook?: {
        traceparent?: string;
        /** The agent's process: named by a marker variable, else the hook's parent, who may be a mere shell. */
        pid?: number;
        pidSource?: "marker" | "parent";
        /** Tells that process from a later one with the same number; filled in by the bridge, where the system tells. */
        birth?: string;
      };
    })
  | (EventBase & {
      /** A transcript file that belongs to the session and shall be followed. */
      kind: "transcript.named";
      file: string;
    })
  | (EventBase & {
      /** How far a transcript has been read, and what its decoder must remember. Commits together with what was read. */
      kind: "transcript.read";
      file: string;
      position: TranscriptPosition;
    })
  | (EventBase & { kind: "process.gone" })
  | (EventBase & {
      /** Nothing but time: what is due, ends. `closing`: end everything now, nothing more will come. */
      kind: "time.passed";
      closing?: boolean;
    })
  | (EventBase & {
      /** Understood and of no consequence for spans; counted. */
      kind: "noted";
      nativeEvent: string;
      known: boolean;
    });

/**
 * Where a transcript's reader stands. `inode` tells a replaced file from a grown one; `decoder` is the adapter's own memory.
 * `skipping`: the offset lies inside a line that is too long to be read, and what follows belongs to it up to its newline.
 */
export type TranscriptPosition = {
  offset: number;
  inode: number;
  skipping?: true;
  decoder?: unknown;
};
