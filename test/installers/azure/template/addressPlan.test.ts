/** How a virtual network is divided: by known examples, and by what must hold for every network. */
import { BlockList } from "node:net";
import fc from "fast-check";
import { expect, test } from "vitest";
import { addressPlan } from "../../../../src/installers/azure/template/addressPlan.ts";

test.for([
  ["10.0.0.0/16", "10.0.0.0/19", "10.0.32.0/19", "10.0.31.253"],
  ["10.0.0.0/8", "10.0.0.0/11", "10.32.0.0/11", "10.31.255.253"],
  ["192.168.7.0/24", "192.168.7.0/27", "192.168.7.32/27", "192.168.7.29"],
  ["172.16.128.0/17", "172.16.128.0/20", "172.16.144.0/20", "172.16.143.253"],
  ["255.255.0.0/16", "255.255.0.0/19", "255.255.32.0/19", "255.255.31.253"],
])("%s gives the control plane %s, the workers %s", ([vnet, controlPlane, worker, balancer]) => {
  expect(addressPlan(vnet!)).toEqual({
    controlPlaneSubnet: controlPlane,
    workerSubnet: worker,
    internalLoadBalancer: balancer,
  });
});

const vnets = fc
  .tuple(fc.nat({ max: 2 ** 32 - 1 }), fc.integer({ min: 8, max: 24 }))
  .map(([address, prefixLength]) => {
    const size = 2 ** (32 - prefixLength);
    const first = address - (address % size);
    return { cidr: `${octets(first)}/${prefixLength}`, first, prefixLength };
  });

test("both subnets lie in the network, apart from each other, with the address at the end of the first", () => {
  fc.assert(
    fc.property(vnets, ({ cidr, first, prefixLength }) => {
      const { controlPlaneSubnet, workerSubnet, internalLoadBalancer } = addressPlan(cidr);
      const vnet = blockOf(cidr);
      const controlPlane = blockOf(controlPlaneSubnet);
      const worker = blockOf(workerSubnet);
      const size = 2 ** (32 - prefixLength - 3);
      const last = octets(first + size - 1);
      expect([controlPlane.check(octets(first)), controlPlane.check(last)]).toEqual([true, true]);
      expect([worker.check(octets(first + size)), worker.check(last)]).toEqual([true, false]);
      expect(worker.check(octets(first + 2 * size - 1))).toBe(true);
      expect(controlPlane.check(octets(first + size))).toBe(false);
      expect(vnet.check(octets(first + 2 * size - 1))).toBe(true);
      expect(controlPlane.check(internalLoadBalancer)).toBe(true);
      // Azure keeps the first four addresses and the last one for itself
      const place = number(internalLoadBalancer) - first;
      expect(place).toBeGreaterThan(3);
      expect(place).toBe(size - 3);
    }),
  );
});

test.for([
  ["10.0.0.0/25", "too small"],
  ["10.0.0.0/32", "too small"],
  ["10.0.0.1/16", "first address"],
  ["10.0.0.0", "no IPv4 range"],
  ["10.0.0.0/33", "no IPv4 range"],
  ["010.0.0.0/16", "no IPv4 range"],
  ["10.0/16", "no IPv4 range"],
  ["fd00::/16", "no IPv4 range"],
  ["", "no IPv4 range"],
  ["[resourceGroup().id]", "no IPv4 range"],
])("%s is refused: %s", ([vnet, reason]) => {
  expect(() => addressPlan(vnet!)).toThrow(reason);
});

function octets(address: number): string {
  return [24, 16, 8, 0].map((bits) => (address >>> bits) & 255).join(".");
}

function number(address: string): number {
  return address.split(".").reduce((total, octet) => total * 256 + Number(octet), 0);
}

function blockOf(cidr: string): BlockList {
  const [address, prefixLength] = cidr.split("/");
  const block = new BlockList();
  block.addSubnet(address!, Number(prefixLength));
  return block;
}
