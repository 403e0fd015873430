/** What a forwarder of Hermes and its intake have to do, sentence by sentence, and the test that shows it. */

/** `title`: of a test in Python (`Class.test_name`), or of one of vitest, as it stands in the file. */
export type Promised = { promise: string; file: string; title: string };

const PYTHON = "test/hermes-forwarder/test_handler.py";
const PROCESSES = "test/process/hermes-forwarder.test.ts";
const FRAMES = "test/hermes-frames.test.ts";
const INTAKE = "src/intake/intake.test.ts";
const ANNOUNCEMENT = "src/bridge/announcement.test.ts";

export const FORWARDER_PROMISES = {
  forwarder: from(PYTHON, [
    [
      "without a discovery file nothing breaks",
      "Start.test_without_a_file_events_wait_in_the_spool_and_nothing_is_said",
    ],
    ["0 switches it off, a valid file or not", "Start.test_zero_switches_it_off_although_a_bridge_is_there"],
    ["the word 0 is falsy", "Start.test_falsy_spelling_1_switches_it_off"],
    ["the word false is falsy", "Start.test_falsy_spelling_2_switches_it_off"],
    ["the word no is falsy, in any case", "Start.test_falsy_spelling_3_switches_it_off"],
    ["the word off is falsy, in any case", "Start.test_falsy_spelling_4_switches_it_off"],
    ["spaces around a falsy word do not count", "Start.test_falsy_spelling_5_switches_it_off"],
    ["a malformed file counts as none", "Discovery.test_a_malformed_file_is_as_good_as_none"],
    ["a file without one of its keys counts as none", "Discovery.test_a_file_without_a_key_is_as_good_as_none"],
    ["to start again gives the same forwarder", "Start.test_a_second_start_gives_the_first_forwarder"],
    ["it registers once for each of five namespaces", "Start.test_all_five_namespaces_are_registered_once"],
    ["to stop it takes all registrations back", "Start.test_stop_takes_all_registrations_back"],
    ["to stop it twice is no error", "Start.test_stop_may_be_called_twice"],
    ["what is queued is the frame and nothing else", "Queue.test_what_is_queued_is_exactly_the_frame"],
    ["what was forwarded before is skipped", "Queue.test_a_forwarded_event_is_left_out"],
    ["a mark that is false or null skips nothing", "Queue.test_only_the_literal_true_marks_a_forwarded_event"],
    ["of five frames in a queue of three the newest stay", "Queue.test_the_oldest_is_dropped_and_counted"],
    ["a queue that is wedged never raises", "Queue.test_a_wedged_queue_raises_nothing"],
    ["a probe picks a new token up", "Discovery.test_a_new_token_is_picked_up"],
    [
      "a failed probe clears what was discovered",
      "Discovery.test_a_probe_that_fails_forgets_the_bridge_although_its_file_is_there",
    ],
    ["a 503 to the probe clears it too", "Discovery.test_a_503_to_the_probe_forgets_the_bridge"],
    ["the first error is logged", "Errors.test_the_first_error_is_logged_even_on_a_machine_that_has_just_started"],
    ["ten more within the minute are not", "Errors.test_ten_that_follow_are_kept_back"],
    [
      "the next line says that five similar ones were suppressed",
      "Errors.test_after_a_minute_the_number_of_those_kept_back_is_told",
    ],
  ]),
  intake: [
    ...from(ANNOUNCEMENT, [
      [
        "the discovery file holds url, token, pid and time of start",
        "the file says which process and since when, where it listens and with which token, to its user alone",
      ],
      ["a bridge that leaves removes the file", "who leaves takes the file away, and may do so twice"],
      ["to remove it is harmless where another has announced itself since", "the file of another bridge stays"],
    ]),
    ...from(INTAKE, [
      [
        "each start has a fresh token",
        "at a free port the token is new each time; at a fixed one it stays, in a file of the user's own",
      ],
      ["after it is closed nobody's token counts", "closed, it answers what is under way and nobody after that"],
      ["health is 200 without a token", "health is open, and says who answers"],
      ["a request without a token is 401", "no token"],
      ["a wrong token is 401", "another token"],
      ["an empty token is 401", "an empty token"],
      ["the token is looked at before the body", "no token, before the body is looked at"],
      ["a valid token and frame are taken", "all of it"],
      ["a body that is no JSON is 400", "no JSON"],
      ["a body that is no object is 400", "a list"],
      ["a frame without event_type is 400", "a frame of nothing"],
      ["a frame with an empty event_type is 400", "a frame with an empty name"],
      ["a frame whose context is no object is 400", "a frame with a list for a context"],
      ["context and src may be missing", "no context, no source"],
      ["a src that is no text is no reason to refuse", "a context that says nothing"],
      ["an event that nothing handles is taken, and not sent again", "an event that nobody knows"],
    ]),
    ...from("test/process/intake.test.ts", [
      [
        "the discovery file is 0600",
        "a bridge that a hook started has an intake, announced to its user alone and gone with it",
      ],
      [
        "a second bridge at a port keeps the token that clients have",
        "at a configured port a restart is no more than a pause: the token stays",
      ],
    ]),
    ...from(FRAMES, [
      [
        "a bind address beyond loopback is announced so that it can be dialled",
        "an intake that listens everywhere is announced where it can be dialled, and its token counts as anywhere",
      ],
      [
        "what a frame holds is kept as it came",
        "a frame lies in the spool byte for byte as it came, with the keys that nobody knows",
      ],
      [
        "no key of the caller's overrides the mark of a forwarded frame",
        "the mark of a forwarded frame goes before whatever else it says",
      ],
    ]),
    ...from(PROCESSES, [
      [
        "a state directory that is missing is made",
        "a gateway that was there before hookspan finds the bridge that comes later",
      ],
      ["whole namespaces are forwarded by a wildcard", "events of all namespaces arrive"],
      [
        "the source of a frame is that of its process",
        "an event of the gateway goes through HTTP and becomes a session",
      ],
    ]),
  ],
  endToEnd: from(PROCESSES, [
    ["one event goes all the way through HTTP", "an event of the gateway goes through HTTP and becomes a session"],
    ["events of the namespaces go all the way", "events of all namespaces arrive"],
    ["an event that was forwarded is not shipped", "an event that was forwarded before is not forwarded again"],
    [
      "after the token has rotated events arrive again",
      "after a restart of the bridge the next event is there at once, with the new token",
    ],
    [
      "without a bridge nobody notices anything",
      "without a bridge nothing is said, and the next bridge finds the events in the spool",
    ],
    [
      "who started before there was a bridge finds one that comes later",
      "a gateway that was there before hookspan finds the bridge that comes later",
    ],
  ]),
  registry: from(PYTHON, [
    ["a registered handler is called", "RegistryOfEvents.test_who_registers_is_called"],
    ["a registration has metadata", "RegistryOfEvents.test_a_registration_says_what_it_is"],
    ["a given name overrides the function's", "RegistryOfEvents.test_a_name_given_goes_before_the_functions_own"],
    ["registering gives a remover", "RegistryOfEvents.test_the_remover_ends_it"],
    ["the remover is idempotent", "RegistryOfEvents.test_the_remover_may_be_called_twice"],
    ["an event may have two handlers", "RegistryOfEvents.test_two_handlers_are_called_in_the_order_they_came"],
    ["a remover touches no other handler", "RegistryOfEvents.test_a_remover_leaves_the_same_handler_elsewhere_alone"],
    ["an event fires at once", "RegistryOfEvents.test_the_call_is_made_before_emit_returns"],
    ["the default context is an empty one", "RegistryOfEvents.test_without_a_context_there_is_an_empty_one"],
    ["a handler's exception stays with it", "RegistryOfEvents.test_a_handler_that_raises_is_nothing_to_the_next"],
    ["exact handlers fire before wildcards", "RegistryOfEvents.test_exact_names_go_before_wildcards"],
    ["an event without handlers is no error", "RegistryOfEvents.test_without_handlers_nothing_happens"],
    [
      "an async handler without a loop is skipped, with one warning",
      "RegistryOfEvents.test_an_async_handler_without_a_loop_is_left_out_and_said_once",
    ],
    [
      "an async handler is scheduled on the loop that runs",
      "RegistryOfEvents.test_an_async_handler_is_scheduled_where_a_loop_runs",
    ],
    ["the default registry is one and the same", "RegistryOfEvents.test_there_is_one_registry_in_a_process"],
    ["the default registry can be replaced", "RegistryOfEvents.test_another_registry_may_take_its_place"],
    [
      "handlers at the default registry are seen by all",
      "RegistryOfEvents.test_who_registered_at_the_default_is_seen_by_all_who_ask_for_it",
    ],
  ]),
  terminal: from(PYTHON, [
    ["the mirror has the session and the payload", "Mirror.test_what_a_terminal_shows_is_told_with_its_session"],
    ["a payload of null becomes an empty one", "Mirror.test_no_payload_is_an_empty_one"],
    [
      "a subscriber's error never reaches the dispatch",
      "Mirror.test_a_listener_that_fails_does_not_reach_the_terminal",
    ],
    [
      "a subscriber to everything comes after that to one event",
      "Mirror.test_a_listener_to_all_of_the_terminal_comes_after_those_to_one_event",
    ],
    ["nobody need subscribe", "Mirror.test_nobody_need_listen"],
    ["the registry is resolved late and cached", "Mirror.test_the_registry_is_looked_up_once_and_late"],
  ]),
};

function from(file: string, pairs: [promise: string, title: string][]): Promised[] {
  return pairs.map(([promise, title]) => ({ promise, file, title }));
}
