/** The secrets of a goal go with the goal: reached, they are in use; given up, the former ones are. */
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  withGoalGivenUp,
  withGoalReached,
  type ClusterSecrets,
} from "../../src/model/clusterSecrets.ts";

const former: ClusterSecrets = {
  pullSecret: "old pull",
  clientSecret: "old client",
  kubeadminPassword: "p",
};

test("an update that fails goes back to the secrets that were in use", () => {
  const asked = { ...withGoalReached(former), pullSecret: "new pull", clientSecret: "new client" };
  expect(withGoalGivenUp(asked)).toMatchObject(former);
  expect(withGoalGivenUp(withGoalReached(asked))).toMatchObject({
    pullSecret: "new pull",
    clientSecret: "new client",
  });
});

test("a secret that was not there before is not there after a failed update", () => {
  const { clientSecret: _, ...without } = former;
  const asked = { ...withGoalReached(without), clientSecret: "new client" };
  expect(withGoalGivenUp(asked)).not.toHaveProperty("clientSecret");
});

test("secrets that are no part of a goal, known or not, stay", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.string()), (others) => {
      const secrets = { ...others, ...former };
      expect(withGoalGivenUp(withGoalReached(secrets))).toMatchObject(others);
    }),
  );
});
