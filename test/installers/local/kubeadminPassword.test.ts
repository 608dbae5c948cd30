/** The password's form, and that chance reaches all of it. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { kubeadminPassword } from "../../../src/installers/local/kubeadminPassword.ts";
import { systemRandom, type Random } from "../../../src/runtime/ids.ts";

function drawing(next: (limit: number) => number): Random {
  return {
    integer: next,
    fraction: () => {
      throw new Error("fractions are no secrets");
    },
    bytes: (count) => new Uint8Array(count),
  };
}

describe("kubeadminPassword", () => {
  it("is four times five letters and digits without look-alikes, whatever chance brings", () => {
    fc.assert(
      fc.property(fc.infiniteStream(fc.nat()), (numbers) => {
        const password = kubeadminPassword(
          drawing((limit) => Number(numbers.next().value) % limit),
        );
        expect(password).toMatch(/^[A-Za-z2-9]{5}(-[A-Za-z2-9]{5}){3}$/);
        expect(password).not.toMatch(/[lO01]/);
      }),
    );
  });

  it("uses 58 characters at each of 20 places", () => {
    const seen = new Set<string>();
    let draws = 0;
    for (let drawn = 0; drawn < 58; drawn += 1) {
      const password = kubeadminPassword(
        drawing((limit) => {
          expect(limit).toBe(58);
          draws += 1;
          return drawn;
        }),
      );
      seen.add(password);
      expect(new Set(password.replaceAll("-", "")).size).toBe(1);
    }
    expect(seen.size).toBe(58);
    expect(draws).toBe(58 * 20);
  });

  it("differs each time", () => {
    const passwords = Array.from({ length: 1_000 }, () => kubeadminPassword(systemRandom));
    expect(new Set(passwords).size).toBe(1_000);
  });
});
