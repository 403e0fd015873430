import { SDK_INFO } from "@opentelemetry/core";
import { resourceFromAttributes, type Resource } from "@opentelemetry/resources";

/** What all resources of one state directory share. `version` is hookspan's own; `osType` one of the values of `os.type`. */
export type ResourceIdentity = {
  instanceId: string;
  osType: string;
  userResource: Readonly<Record<string, string>>;
  version: string;
};

export type Resources = {
  /** Holds only what cannot change in the life of a state directory, for it is part of the identity of every series. */
  forMetrics(agent: string): Resource;
  /** The metric resource, plus the agent's version, the OS, and who the user is (`IDENTITY_ATTRIBUTES`). */
  forSpans(agent: string, agentVersion?: string, identity?: Readonly<Record<string, string>>): Resource;
};

/**
 * Makes the resources of the agents, one object for each kind, agent and version: the exporter groups spans by the
 * identity of the object. The user's keys never replace the ones that hookspan sets, and go before
 * what is told of who the user is.
 */
export function createResources(identity: ResourceIdentity): Resources {
  const made = new Map<string, Resource>();

  function once(key: readonly string[], attributes: () => Record<string, string>): Resource {
    const name = JSON.stringify(key);
    const found = made.get(name) ?? resourceFromAttributes(attributes());
    made.set(name, found);
    return found;
  }

  return {
    forMetrics: (agent) => once(["metrics", agent], () => metricAttributes(identity, agent)),
    forSpans: (agent, agentVersion, user = {}) =>
      once(["spans", agent, agentVersion ?? "", ...Object.entries(user).flat()], () => ({
        ...user,
        ...metricAttributes(identity, agent),
        ...(agentVersion === undefined ? {} : { "service.version": agentVersion }),
        "os.type": identity.osType,
      })),
  };
}

function metricAttributes(identity: ResourceIdentity, agent: string): Record<string, string> {
  return {
    ...identity.userResource,
    "service.name": agent,
    "service.namespace": "hookspan",
    "service.instance.id": identity.instanceId,
    "telemetry.sdk.name": SDK_INFO["telemetry.sdk.name"],
    "telemetry.sdk.language": SDK_INFO["telemetry.sdk.language"],
    "telemetry.sdk.version": SDK_INFO["telemetry.sdk.version"],
    "telemetry.distro.name": "hookspan",
    "telemetry.distro.version": identity.version,
  };
}
