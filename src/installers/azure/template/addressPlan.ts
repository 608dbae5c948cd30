/**
 * How a virtual network that is made for a cluster is divided: where the subnets of the control plane and of the workers lie, and the
 * address of the internal load balancer, which the machines' DNS records need before the balancer exists. Pure arithmetic.
 */
import ipaddr from "ipaddr.js";

export interface AddressPlan {
  /** CIDR. */
  readonly controlPlaneSubnet: string;
  /** CIDR. */
  readonly workerSubnet: string;
  /** In the control plane's subnet, at its end, since Azure gives addresses to machines from its beginning. */
  readonly internalLoadBalancer: string;
}

/** Each subnet is an eighth of the network; the rest stays free for the user's own. */
const subnetBits = 3;
/**
 * The smallest network that is divided: its subnets are /27, of which Azure takes five addresses. The same limit as for a cluster's
 * `vnetCidr` when it is PUT.
 */
const prefixLengthMax = 24;

/**
 * @param vnetCidr IPv4, beginning at its first address.
 * @throws {RangeError} when it is no such range, or too small for two subnets.
 */
export function addressPlan(vnetCidr: string): AddressPlan {
  if (!ipaddr.IPv4.isValidCIDRFourPartDecimal(vnetCidr)) {
    throw new RangeError(`${JSON.stringify(vnetCidr)} is no IPv4 range`);
  }
  const [address, vnetPrefixLength] = ipaddr.IPv4.parseCIDR(vnetCidr);
  const first = number(address);
  if (first !== number(ipaddr.IPv4.networkAddressFromCIDR(vnetCidr))) {
    throw new RangeError(`${vnetCidr} doesn't begin at its first address`);
  }
  if (vnetPrefixLength > prefixLengthMax) {
    throw new RangeError(`${vnetCidr} is too small: it must be /${prefixLengthMax} or larger`);
  }
  const prefixLength = vnetPrefixLength + subnetBits;
  const size = 2 ** (32 - prefixLength);
  return {
    controlPlaneSubnet: `${text(first)}/${prefixLength}`,
    workerSubnet: `${text(first + size)}/${prefixLength}`,
    // the third from the top, the first of which is the broadcast address
    internalLoadBalancer: text(first + size - 3),
  };
}

function number(address: ipaddr.IPv4): number {
  return address.octets.reduce((total, octet) => total * 256 + octet, 0);
}

function text(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join(".");
}
