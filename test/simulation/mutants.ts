/**
 * The protocol, broken on purpose in one place at a time: whatever the model of the protocol calls unsafe, wrong or going in
 * circles (docs/protocol.md), and more. The simulation has to find each one; a proof that can't fail proves nothing. A mutant is
 * a change of the source's text while it is loaded (`processes/mutate.ts`), so the product has no branches for it.
 */

/** A passage of a file, from the root of the project, and what takes its place. */
export interface Edit {
  readonly file: string;
  /** Occurs exactly once. */
  readonly find: string;
  readonly replace: string;
}

export interface Mutant {
  readonly name: string;
  readonly edits: readonly Edit[];
  /** The sweep would mend it sooner or later, so it is found without the sweep, and with no message lost by itself. */
  readonly sweepOff?: true;
  /** What is seen of it first. */
  readonly finds: RegExp;
  /** From seed 1 on, it is found within so many schedules. */
  readonly within: number;
}

const noSweep: Edit = {
  file: "src/forwarder/sweep.ts",
  find: "const { store, clock, timing, signal } = options;\n  let flagged = 0;",
  replace: "const { store, clock, timing, signal } = options;\n  return 0;\n  let flagged = 0;",
};

/** All that a mutant changes. */
export function editsOf({ edits, sweepOff }: Mutant): readonly Edit[] {
  return sweepOff === true ? [...edits, noSweep] : edits;
}

const claim = "src/backend/claim.ts";
const changes = "src/backend/changes.ts";
const fenced = "src/backend/fencedCluster.ts";
const heartbeat = "src/backend/heartbeat.ts";
const runSteps = "src/backend/runSteps.ts";
const worker = "src/backend/worker.ts";
const forward = "src/forwarder/forwardUnqueued.ts";
const purge = "src/forwarder/purgeSubscriptions.ts";
const memoryStore = "test/store/memoryStore.ts";
const startOperation = "src/model/startOperation.ts";
const operationRecord = "src/model/operationRecord.ts";
const cloud = "test/simulation/cloud.ts";
const commitCluster = "src/frontend/commitCluster.ts";
const deleteCluster = "src/frontend/handlers/deleteCluster.ts";

const neverAtRest = /not at rest \d+ ms after the last fault|more than \d+ occurrences/;

/** Those found without the sweep rest on this: with nothing else broken nothing is found. */
export const onlySweepOff: Mutant = {
  name: "nothing but the sweep is off",
  edits: [],
  sweepOff: true,
  finds: /^/,
  within: 1_000,
};

export const mutants: readonly Mutant[] = [
  {
    name: "the flag is cleared whatever has changed",
    edits: [
      {
        file: forward,
        find: "  try {\n    await store.updateScheduling(\n      reference,",
        replace:
          '  try {\n    const fresh = await store.read("cluster", reference.key, { signal });\n' +
          "    if (fresh === undefined) return true;\n" +
          "    await store.updateScheduling(\n      { ...reference, etag: fresh.etag },",
      },
    ],
    sweepOff: true,
    finds: neverAtRest,
    within: 250,
  },
  {
    name: "the flag is cleared by putting back the whole copy that was listed",
    edits: [
      {
        file: memoryStore,
        find: "if (row?.stored.etag !== reference.etag || row.columns === undefined) {",
        replace: "if (row?.columns === undefined) {",
      },
      {
        file: memoryStore,
        find: "Object.freeze({ ...before.document, unqueued,",
        replace: "Object.freeze({ ...reference.listed, unqueued,",
      },
      {
        file: memoryStore,
        find: "return { key, etag: stored.etag, operationId, origin, nextAttemptAt, sweeps };",
        replace:
          "return { key, etag: stored.etag, operationId, origin, nextAttemptAt, sweeps, listed: stored.document };",
      },
    ],
    finds: /the record of|claimed a cluster|took the place of/,
    within: 100,
  },
  {
    name: "a document read again is taken for ours by its operation alone",
    edits: [
      {
        file: fenced,
        find:
          "document.operation.id === claim.operationId &&\n    document.work.epoch === claim.epoch &&\n" +
          "    document.work.owner === claim.owner",
        replace: "document.operation.id === claim.operationId",
      },
    ],
    finds: /wrote under epoch/,
    within: 5_000,
  },
  {
    name: "a document read again is taken for ours by its epoch alone",
    edits: [
      {
        file: fenced,
        find:
          "document.operation.id === claim.operationId &&\n    document.work.epoch === claim.epoch &&\n" +
          "    document.work.owner === claim.owner",
        replace: "document.work.epoch === claim.epoch",
      },
    ],
    finds: /wrote|vanished|the record of/,
    within: 100,
  },
  {
    name: "a document read again is taken for ours",
    edits: [
      {
        file: fenced,
        find: "      !isHeldBy(cluster.document, this.#claim)\n",
        replace: "      false\n",
      },
    ],
    finds: /wrote|vanished|the record of/,
    within: 300,
  },
  {
    name: "a message is completed when its cluster is claimed",
    edits: [
      {
        file: worker,
        find: "      return await this.#drive(message, outcome);",
        replace:
          "      await this.#options.queue.complete(this.#received);\n" +
          "      return await this.#drive(message, outcome);",
      },
    ],
    sweepOff: true,
    finds: neverAtRest,
    within: 50,
  },
  {
    name: "a message is completed before the commit that ends its operation",
    edits: [
      {
        file: runSteps,
        find: "  const { cluster, clock, lost } = options;\n  const now = clock.now();",
        replace:
          "  const { cluster, clock, lost } = options;\n  await options.completeMessage();\n" +
          "  const now = clock.now();",
      },
      {
        file: worker,
        find: "        hasMessage: () => heartbeat.message !== undefined,",
        replace:
          "        hasMessage: () => heartbeat.message !== undefined,\n" +
          "        completeMessage: async () => this.#options.queue.complete(heartbeat.message),",
      },
    ],
    sweepOff: true,
    finds: neverAtRest,
    within: 100,
  },
  {
    name: "the record ends before its cluster",
    edits: [
      {
        file: fenced,
        find: "        const next = change(this.current);\n",
        replace:
          "        const next = change(this.current);\n" +
          '        if (next.operation.status !== "InProgress") {\n' +
          "          [this.#operation] = await this.#store.commit(this.#key.partition, [\n" +
          "            { replace: this.#operation, document: next.operation },\n" +
          "          ]);\n" +
          "        }\n",
      },
    ],
    finds: /the record of \S+ is at its end, its cluster is not at rest/,
    within: 100,
  },
  {
    name: "the cluster is removed before its record ends",
    edits: [
      {
        file: fenced,
        find:
          "            [{ delete: this.#cluster }, { replace: this.#operation, document: operation }],\n" +
          "            options,\n          ),\n        );",
        replace:
          "            [{ delete: this.#cluster }],\n            options,\n          ),\n        );\n" +
          "        await this.#store.commit(this.#key.partition, [\n" +
          "          { replace: this.#operation, document: operation },\n        ]);",
      },
    ],
    finds: /the record of \S+ is in progress, its cluster is at rest or gone/,
    within: 50,
  },
  {
    name: "nobody sweeps",
    edits: [noSweep],
    finds: neverAtRest,
    within: 100,
  },
  {
    name: "the flag is cleared before the message is sent",
    edits: [
      {
        file: forward,
        find: "  if (!forwardTry.isSent) {\n",
        replace:
          "  if (!(await clearFlag(reference, { ...options, store, log, now, delayMs }))) return { failed: true };\n" +
          "  if (!forwardTry.isSent) {\n",
      },
      {
        file: forward,
        find: "  const isCleared = await clearFlag(reference, { ...options, store, log, now, delayMs });",
        replace: "  const isCleared = true;",
      },
    ],
    sweepOff: true,
    finds: neverAtRest,
    within: 150,
  },
  {
    name: "a worker acts on after its lease has run out",
    edits: [
      {
        file: runSteps,
        find: '    if (deadline.passed) throw new LeaseLostError("the lease may have run out");\n',
        replace: "",
      },
    ],
    finds: /begins \w+ under epoch/,
    within: 300,
  },
  {
    name: "a lost lease is ignored",
    edits: [
      {
        file: "src/runtime/leaseDeadline.ts",
        find: "    return this.remainingMs <= 0;",
        replace: "    return false;",
      },
      {
        file: heartbeat,
        find: "Math.min(waitMs, Math.max(0, deadline.remainingMs))",
        replace: "waitMs",
      },
      {
        file: heartbeat,
        find: "        afterMs: deadline.remainingMs,",
        replace: "        afterMs: timing.leaseMs,",
      },
      {
        file: heartbeat,
        find: '      throw new LeaseLostError("somebody else has the lease");\n',
        replace: "",
      },
    ],
    finds: /begins \w+ under epoch/,
    within: 400,
  },
  {
    name: "a lease doesn't end while its holder's machine is suspended",
    edits: [
      {
        file: "src/runtime/leaseDeadline.ts",
        find: "      now.wallMs - this.#begunAt.wallMs,\n",
        replace: "",
      },
    ],
    finds: /begins \w+ under epoch/,
    within: 1_000,
  },
  {
    name: "a claim takes its time, and is tried again without a look at the lease",
    edits: [
      // a claim that ends with the lease hides it but for the last moment
      {
        file: claim,
        find: "    afterMs: options.timing.leaseMs,",
        replace: "    afterMs: 3 * options.timing.leaseMs,",
      },
      {
        file: claim,
        find: "      if (await this.#call(async (o) => store.renewLease(lease, { leaseMs }, o))) {",
        replace: "      if (true) {",
      },
    ],
    finds: /begins \w+ under epoch/,
    within: 2_600,
  },
  {
    name: "attempts are the deliveries of the message",
    edits: [
      {
        file: worker,
        find: "await claimCluster(message, {",
        replace: "await claimCluster({ ...message, deliveries: this.#received.deliveries }, {",
      },
      {
        file: claim,
        find: "claimed({ owner: lease.owner,",
        replace: "claimed({ deliveries: this.#message.deliveries, owner: lease.owner,",
      },
      {
        file: changes,
        find: "const attempts = cluster.work.attempts + 1;",
        replace: "const attempts = options.deliveries;",
      },
    ],
    finds: /a healthy \w+ ended Failed/,
    within: 50,
  },
  {
    name: "only a failure that is caught counts as an attempt",
    edits: [
      {
        file: changes,
        find: "const attempts = cluster.work.attempts + 1;",
        replace: "const attempts = cluster.work.attempts;",
      },
      {
        file: runSteps,
        find: "      attempts: work.attempts,\n      lastError: reason,",
        replace: "      attempts: work.attempts + 1,\n      lastError: reason,",
      },
    ],
    finds: neverAtRest,
    within: 300,
  },
  {
    name: "the sweep doesn't look at leases",
    edits: [
      {
        file: "src/forwarder/sweep.ts",
        find: "    if (remainingMs !== undefined) return false;\n",
        replace: "",
      },
    ],
    finds: /the sweep flagged a cluster/,
    within: 150,
  },
  {
    name: "a claim that found the document changed ends its message",
    edits: [
      {
        file: claim,
        find:
          '        log.debug({}, "the document changed before it was claimed; starting over");\n' +
          "        return undefined;",
        replace: "        return gone;",
      },
    ],
    sweepOff: true,
    finds: neverAtRest,
    within: 100,
  },
  {
    name: "a superseded worker completes its message",
    edits: [
      {
        file: worker,
        find: '    return { action: "putBack", delayMs, reason: "somebody else may have the cluster" };',
        replace: '    return { action: "complete", reason: "somebody else may have the cluster" };',
      },
    ],
    sweepOff: true,
    finds: neverAtRest,
    within: 50,
  },
  {
    name: "no lease at all",
    edits: [
      {
        file: claim,
        find: "    if (attempt.acquired) return undefined;",
        replace: "    return undefined;",
      },
      {
        file: heartbeat,
        find: '      throw new LeaseLostError("somebody else has the lease");\n',
        replace: "",
      },
    ],
    finds: /begins \w+ under epoch/,
    within: 300,
  },
  {
    name: "a process has one name for all its leases",
    edits: [
      {
        file: claim,
        find: "/** More than the races",
        replace:
          "const owners = new WeakMap();\n" +
          "function ownerOf(clock, ids) {\n" +
          "  if (!owners.has(clock)) owners.set(clock, ids.guid());\n" +
          "  return owners.get(clock);\n}\n\n/** More than the races",
      },
      {
        file: claim,
        find: "owner: ids.guid(), leaseMs }",
        replace: "owner: ownerOf(clock, ids), leaseMs }",
      },
    ],
    finds: /a claim without a name|begins \w+ under epoch|wrote a cluster at rest/,
    within: 50,
  },
  {
    name: "the first ETag of a new document is that of the removed one",
    edits: [
      {
        file: memoryStore,
        find: "    const document = frozen(JSON.parse(text)) as RpDocument;\n    const after = this.#stored(document);",
        replace:
          "    const document = frozen(JSON.parse(text)) as RpDocument;\n" +
          "    const after = { document, etag: String(Number(before?.etag ?? 0) + 1) };",
      },
      {
        file: memoryStore,
        find: "    row.stored = this.#stored(document);",
        replace: "    row.stored = { document, etag: String(Number(before.etag) + 1) };",
      },
    ],
    sweepOff: true,
    finds: neverAtRest,
    within: 2_000,
  },
  {
    name: "what is to be replaced is created when it is gone",
    edits: [
      {
        file: memoryStore,
        find: "if (replaces === undefined ? row !== undefined : !isThat(row, kind, replaces)) {",
        replace:
          "if (replaces === undefined ? row !== undefined : row !== undefined && !isThat(row, kind, replaces)) {",
      },
    ],
    finds: /created a cluster|an incarnation was created twice/,
    within: 1_200,
  },
  {
    name: "a new operation goes on at the step of the former",
    edits: [
      {
        file: startOperation,
        find: "    step: _s,\n",
        replace: "",
      },
    ],
    finds: /took over the work of the former/,
    within: 100,
  },
  {
    name: "a new operation counts on from the attempts of the former",
    edits: [
      {
        file: startOperation,
        find: "work: { ...rest, epoch, attempts: 0 },",
        replace: "work: { ...rest, epoch },",
      },
    ],
    finds: /took over the work of the former/,
    within: 100,
  },
  {
    name: "a new operation begins with a new epoch",
    edits: [
      {
        file: startOperation,
        find: "work: { ...rest, epoch, attempts: 0 },",
        replace: "work: { ...rest, epoch: 0, attempts: 0 },",
      },
    ],
    finds: /lost the epoch/,
    within: 100,
  },
  {
    name: "a step that asks to be called again counts as a failed attempt",
    edits: [
      {
        file: runSteps,
        find: "      untilMs,\n      attempts: 0,",
        replace: "      untilMs,\n      attempts: cluster.current.cluster.work.attempts,",
      },
    ],
    finds: /a healthy \w+ ended Failed/,
    within: 50,
  },
  {
    name: "a frontend doesn't know its own commit again",
    edits: [
      {
        file: "src/frontend/commitCluster.ts",
        find: "    if (unknown === undefined || !(await happened(store, key, unknown, { signal }))) {",
        replace: "    if (true) {",
      },
    ],
    finds: /was answered 409, but it was committed/,
    within: 500,
  },
  {
    name: "a cluster is created before its record",
    edits: [
      {
        file: "src/frontend/commitCluster.ts",
        find: "      await store.commit(key.partition, decision.writes, { signal });",
        replace:
          "      for (const write of decision.writes) {\n" +
          "        await store.commit(key.partition, [write], { signal });\n      }",
      },
    ],
    finds: /the record of/,
    within: 100,
  },
  {
    name: "a DELETE leaves the record of what runs as it is",
    edits: [
      {
        file: "src/frontend/handlers/deleteCluster.ts",
        find: "        if (running !== undefined) {\n          writes.push",
        replace: "        if (false) {\n          writes.push",
      },
    ],
    finds: /the record of \S+ is in progress, its cluster is at rest or gone/,
    within: 50,
  },
  {
    name: "a DELETE waits until nothing runs",
    edits: [
      {
        file: "src/frontend/handlers/deleteCluster.ts",
        find: '      if (current.provisioningState === "Deleting") {',
        replace:
          "      checkIdle(exchange, current);\n" +
          '      if (current.provisioningState === "Deleting") {',
      },
      {
        file: "src/frontend/handlers/deleteCluster.ts",
        find: "import { newOperation, noteOperation }",
        replace: "import { checkIdle, newOperation, noteOperation }",
      },
    ],
    finds: /an answer of 409/,
    within: 100,
  },
  {
    name: "a PUT takes the place of what runs",
    edits: [
      {
        file: "src/frontend/clusterWrite.ts",
        find: "  if (current === undefined || isTerminal(current.provisioningState)) return;",
        replace: '  if (current?.provisioningState !== "Deleting") return;',
      },
    ],
    finds: /took the place of|a 500: TypeError: no way from/,
    within: 100,
  },
  {
    name: "an operation begins with its first step whenever it is claimed",
    edits: [
      {
        file: changes,
        find: "findStep(steps[cluster.operation.kind], cluster.work.step);",
        replace: "findStep(steps[cluster.operation.kind], undefined);",
      },
    ],
    finds: /a step of a record never ended|a step was begun anew|had the steps/,
    within: 50,
  },
  {
    name: "a write without an answer is taken for done",
    edits: [
      {
        file: fenced,
        find: "        } else if (error instanceof StoreOutcomeUnknownError) {\n          reread = true;",
        replace:
          "        } else if (error instanceof StoreOutcomeUnknownError) {\n          return;",
      },
    ],
    sweepOff: true,
    finds: /a step was begun anew|had the steps|not at rest/,
    within: 150,
  },
  {
    name: "clusters of a deleted subscription are removed whatever has become of it",
    edits: [
      {
        file: purge,
        find: "      { replace: this.#subscription, document: this.#subscription.document },\n    ];",
        replace: "    ];",
      },
    ],
    finds: /began an operation in a subscription that isn't deleted/,
    within: 950,
  },
  {
    name: "a cluster that is created again is the same to the cloud",
    edits: [
      {
        file: startOperation,
        find: "    incarnationId: start.incarnationId,\n    provisioningState",
        replace: "    incarnationId: key.id,\n    provisioningState",
      },
    ],
    finds: /an incarnation was created twice/,
    within: 100,
  },
  {
    name: "a worker keeps only the members that it knows",
    edits: [
      {
        file: changes,
        find: "          ...cluster.work,\n          epoch: cluster.work.epoch + 1,",
        replace: "          step: cluster.work.step,\n          epoch: cluster.work.epoch + 1,",
      },
    ],
    finds: /members of a later release were lost/,
    within: 100,
  },
  {
    name: "a DELETE joins whatever runs",
    edits: [
      {
        file: deleteCluster,
        find: '      if (current.provisioningState === "Deleting") {',
        replace: '      if (!["Succeeded", "Failed"].includes(current.provisioningState)) {',
      },
    ],
    finds: /DELETE was promised the operation of something else/,
    within: 100,
  },
  {
    name: "a PATCH begins an operation, and leaves the goal as it was",
    edits: [
      {
        file: "src/frontend/handlers/patchCluster.ts",
        find: "startUpdate(current, goal, start)",
        replace: "startUpdate(current, current, start)",
      },
    ],
    finds: /PATCH should have made the count/,
    within: 150,
  },
  {
    name: "a PUT begins an operation, and leaves the goal as it was",
    edits: [
      {
        file: "src/frontend/handlers/putCluster.ts",
        find: "startUpdate(stored.document, goal, start)",
        replace: "startUpdate(stored.document, stored.document, start)",
      },
    ],
    finds: /PUT should have made the/,
    within: 100,
  },
  {
    name: "tags are answered and not written",
    edits: [
      {
        file: "src/frontend/handlers/patchCluster.ts",
        find: '      if (change === "tags") {',
        replace:
          '      if (change === "tags") return clusterAnswer(exchange, 200, { ...current, cluster: goal.cluster });\n' +
          "      if (false) {",
      },
    ],
    finds: /is not what was stored at any moment/,
    within: 100,
  },
  {
    name: "a change without an answer is taken for done",
    edits: [
      {
        file: commitCluster,
        find: "  return stored !== undefined && hasWrite(stored.document, mark.writeId);",
        replace: "  return true;",
      },
    ],
    finds: /is not what was stored at any moment/,
    within: 2_700,
  },
  {
    name: "an operation without an answer is taken for begun",
    edits: [
      {
        file: commitCluster,
        find: '    return (await store.read("operation", record, options)) !== undefined;',
        replace: "    return true;",
      },
    ],
    finds: /is not what was stored at any moment|an operation that is not stored/,
    within: 250,
  },
  {
    name: "a lost race is written over with what was decided before",
    edits: [
      {
        file: commitCluster,
        find: "    const decision = await decide(stored);",
        replace:
          "    const former = unlucky;\n    const decision =\n" +
          "      former !== undefined && stored !== undefined && former.stored !== undefined && former.decision.writes.length === 1\n" +
          "        ? { ...former.decision, writes: [{ replace: stored, document: former.decision.writes[0].document }] }\n" +
          "        : await decide(stored);\n" +
          '    unlucky = "writes" in decision ? { decision, stored } : undefined;',
      },
      {
        file: commitCluster,
        find: "  let unknown: Decision | undefined;",
        replace: "  let unknown: Decision | undefined;\n  let unlucky;",
      },
    ],
    finds: /took the place of|without an operation more than tags|on which an operation runs/,
    within: 1_600,
  },
  {
    name: "an announcement without an answer is taken for done",
    edits: [
      {
        file: "src/frontend/handlers/putSubscription.ts",
        find: "        if (error instanceof StoreConflictError || error instanceof StoreOutcomeUnknownError) {",
        replace:
          "        if (error instanceof StoreOutcomeUnknownError) return { status: 200, body };\n" +
          "        if (error instanceof StoreConflictError) {",
      },
    ],
    finds: /was acknowledged and never stored/,
    within: 100,
  },
  {
    name: "what was reached first stays what was reached",
    edits: [
      {
        file: changes,
        find: "        applied: changed.cluster,",
        replace: "        applied: cluster.applied ?? changed.cluster,",
      },
    ],
    finds: /what was reached is not what is kept as reached/,
    within: 100,
  },
  {
    name: "what a step found out is dropped",
    edits: [
      {
        file: changes,
        find: "        ...withChanges(cluster, changes),\n        sweepAfter: now",
        replace: "        ...cluster,\n        sweepAfter: now",
      },
    ],
    finds: /lost what \w+ found out/,
    within: 100,
  },
  {
    name: "a new operation forgets what the former found out",
    edits: [
      {
        file: startOperation,
        find: "    nextAttemptAt: 0,\n    work: { ...rest, epoch, attempts: 0 },",
        replace:
          "    nextAttemptAt: 0,\n    installation: (({ group: _g, ...kept }) => kept)(current.installation),\n    work: { ...rest, epoch, attempts: 0 },",
      },
    ],
    finds: /changed what the former found out/,
    within: 100,
  },
  {
    name: "a worker begins before its time",
    edits: [
      {
        file: "src/backend/judgeMessage.ts",
        find: "  if (delayMs > 0) {",
        replace: "  if (false) {",
      },
    ],
    finds: /a claim came before its time/,
    within: 100,
  },
  {
    name: "a lease is never renewed",
    edits: [
      {
        file: heartbeat,
        find: "    if (!(await store.renewLease(lease, { leaseMs: timing.leaseMs }, { signal }))) {",
        replace: "    if (false) {",
      },
    ],
    finds: /begins \w+ under epoch|though nothing held it up/,
    within: 450,
  },
  {
    name: "a purge ends as soon as it finds nothing",
    edits: [
      {
        file: purge,
        find: "this.#left === 0 && now >= purge.since + latestWriteMs",
        replace: "this.#left === 0",
      },
    ],
    finds: /came to a deleted subscription/,
    within: 900,
  },
  {
    name: "an installer finds what it made by the name of the cluster alone",
    edits: [
      {
        file: cloud,
        find: "one.name === name && one.incarnationId === this.#incarnationId",
        replace: "one.name === name",
      },
    ],
    finds: /touches another incarnation's resources/,
    within: 1_450,
  },
  {
    name: "a worker tells its steps the id of the document for that of the incarnation",
    edits: [
      {
        file: changes,
        find: "    incarnationId: document.incarnationId,",
        replace: "    incarnationId: document.id,",
      },
    ],
    finds: /is begun for an incarnation that never was/,
    within: 100,
  },
  {
    name: "a deletion takes a step that failed for done",
    edits: [
      {
        file: runSteps,
        find: "      if (limit.signal.aborted) throw limit.signal.reason;\n      throw error;",
        replace:
          "      if (limit.signal.aborted) throw limit.signal.reason;\n" +
          '      if (cluster.current.cluster.operation.kind === "delete") return { done: true };\n' +
          "      throw error;",
      },
    ],
    finds: /a deleted cluster left/,
    within: 100,
  },
  {
    name: "an operation is told as ended when its last step is begun",
    edits: [
      {
        file: "src/frontend/handlers/operationStatus.ts",
        find: "        status: operation.status,",
        replace: '        status: operation.percentComplete > 60 ? "Succeeded" : operation.status,',
      },
    ],
    finds: /Succeeded was told before the cluster showed it/,
    within: 400,
  },
  {
    name: "the forwarder makes due what waits",
    edits: [
      {
        file: memoryStore,
        find: "Object.freeze({ ...before.document, unqueued, sweepAfter, sweeps })",
        replace:
          "Object.freeze({ ...before.document, unqueued, sweepAfter, sweeps, nextAttemptAt: 0 })",
      },
    ],
    finds: /changed more than the scheduling/,
    within: 100,
  },
  {
    name: "a DELETE cancels the last operation whether it runs or not",
    edits: [
      {
        file: deleteCluster,
        find: "      if (!isTerminal(current.provisioningState)) {",
        replace: "      if (true) {",
      },
      {
        file: deleteCluster,
        find: '  return running?.document.status === "InProgress" ? running : undefined;',
        replace: "  return running;",
      },
    ],
    finds: /the record of a \w+ changed after its end/,
    within: 50,
  },
  {
    name: "a DELETE begins anew with what is being deleted",
    edits: [
      {
        file: deleteCluster,
        find: '      if (current.provisioningState === "Deleting") {',
        replace: "      if (false) {",
      },
      {
        file: "src/model/provisioningState.ts",
        find: 'Deleting: { terminal: false, next: ["Failed"] },',
        replace: 'Deleting: { terminal: false, next: ["Failed", "Deleting"] },',
      },
    ],
    finds: /a delete stopped a deletion/,
    within: 50,
  },
  {
    name: "a claim goes back to what was reached last",
    edits: [
      {
        file: changes,
        find: "        ...cluster,\n        unqueued: false,",
        replace:
          "        ...cluster,\n        cluster: cluster.applied ?? cluster.cluster,\n        unqueued: false,",
      },
    ],
    finds: /a claim changed the goal/,
    within: 100,
  },
  {
    name: "a step that is done goes back to what was reached last",
    edits: [
      {
        file: changes,
        find: "        ...withChanges(cluster, changes),\n        sweepAfter: now",
        replace:
          "        ...withChanges(cluster, changes),\n        cluster: cluster.applied ?? cluster.cluster,\n" +
          "        sweepAfter: now",
      },
    ],
    finds: /a worker changed the goal/,
    within: 150,
  },
  {
    name: "an update that failed keeps its goal",
    edits: [
      {
        file: changes,
        find: "...reached } = cluster.applied ?? cluster.cluster;",
        replace: "...reached } = cluster.cluster;",
      },
    ],
    finds: /a failed operation left a goal of its own/,
    within: 150,
  },
  {
    name: "a failure undoes tags",
    edits: [
      {
        file: changes,
        find: "    const { tags, systemData } = cluster.cluster;",
        replace: "    const { tags, systemData } = cluster.applied ?? cluster.cluster;",
      },
    ],
    finds: /a failed operation undid tags/,
    within: 150,
  },
  {
    name: "an update ends after its first step",
    edits: [
      {
        file: runSteps,
        find: "  const next = steps[listed.place.index + 1];",
        replace:
          "  const next =\n" +
          '    cluster.current.cluster.operation.kind === "update" ? undefined : steps[listed.place.index + 1];',
      },
    ],
    finds: /a update that is Succeeded had the steps resize/,
    within: 150,
  },
  {
    name: "a frontend that loses a race is unavailable",
    edits: [
      {
        file: commitCluster,
        find: "      if (error instanceof StoreConflictError) continue;",
        replace:
          "      if (error instanceof StoreConflictError) {\n" +
          '        throw new StoreOutcomeUnknownError("somebody was faster");\n      }',
      },
    ],
    finds: /an answer of 503/,
    within: 100,
  },
  {
    name: "an announcement keeps only the members that it knows",
    edits: [
      {
        file: "src/frontend/handlers/putSubscription.ts",
        find: "    ...kept,\n",
        replace: "",
      },
    ],
    finds: /members of a later release were lost: subscription top/,
    within: 150,
  },
  {
    name: "a purge keeps only the members that it knows",
    edits: [
      {
        file: purge,
        find: "purge: { ...purge, retries, nextAttemptAt }",
        replace: "purge: { since: purge.since, retries, nextAttemptAt }",
      },
    ],
    finds: /members of a later release were lost: subscription purge/,
    within: 150,
  },
  {
    name: "a step that ends keeps only the members that it knows",
    edits: [
      {
        file: operationRecord,
        find: "{ ...last, endedAt: now }",
        replace:
          "{ name: last.name, phase: last.phase, attempts: last.attempts, startedAt: last.startedAt, endedAt: now }",
      },
    ],
    finds: /members of a later release were lost: operation steps/,
    within: 50,
  },
  {
    name: "a step that is begun again keeps only the members that it knows",
    edits: [
      {
        file: operationRecord,
        find: "{ ...last, attempts: last.attempts + 1 }",
        replace:
          "{ name: last.name, phase: last.phase, startedAt: last.startedAt, attempts: last.attempts + 1 }",
      },
    ],
    finds: /members of a later release were lost: operation steps/,
    within: 150,
  },
];
