/**
 * Rules about IPv4 ranges in CIDR notation: well formed, large enough, and none overlapping another. Each message
 * names its own range and each fault has that range's place as target.
 */
// a CommonJS module, of which Node finds no names
import { shown } from "../model/shownText.ts";
import ipaddr from "ipaddr.js";
import type { Fault } from "../model/rpError.ts";

/** A range as the caller wrote it. */
export interface AddressRange {
  /** Where it stands in the body. */
  readonly path: string;
  /** What it is for, as in "the pod range". */
  readonly purpose: string;
  readonly cidr: string;
  /** The longest prefix, that is the smallest range, that is enough. */
  readonly prefixLengthMax: number;
}

interface Block {
  readonly range: AddressRange;
  readonly first: number;
  readonly last: number;
}

/** The largest block that can be private at all. */
const prefixLengthMin = 8;

/** Everything wrong with these ranges. Of two that overlap the later is at fault. */
export function addressRangeFaults(ranges: readonly AddressRange[]): Fault[] {
  const faults: Fault[] = [];
  const blocks: Block[] = [];
  const refuse = ({ path }: AddressRange, message: string): void => {
    faults.push({ code: "InvalidParameter", message, target: path });
  };
  for (const range of ranges) {
    const { purpose, cidr, prefixLengthMax } = range;
    const quoted = `The ${purpose} range '${shown(cidr)}'`;
    const block = blockOf(range);
    if (block === undefined) {
      refuse(range, `${quoted} is not an IPv4 range in CIDR notation, such as 10.0.0.0/16.`);
      continue;
    }
    const prefixLength = Number(cidr.split("/")[1]);
    if (prefixLength > prefixLengthMax) {
      refuse(range, `${quoted} is too small: it must be /${prefixLengthMax} or larger.`);
    }
    if (prefixLength < prefixLengthMin) {
      refuse(range, `${quoted} is too large: it must be /${prefixLengthMin} or smaller.`);
    }
    const start = String(ipaddr.IPv4.networkAddressFromCIDR(cidr));
    if (start !== cidr.split("/")[0]) {
      refuse(range, `${quoted} must start at its first address: ${start}/${prefixLength}.`);
    }
    for (const { range: other } of blocks.filter((one) => overlaps(one, block))) {
      refuse(range, `${quoted} overlaps the ${other.purpose} range '${shown(other.cidr)}'.`);
    }
    blocks.push(block);
  }
  return faults;
}

function blockOf(range: AddressRange): Block | undefined {
  // the parser takes octal, hexadecimal and shortened addresses as well, which others read otherwise
  if (!ipaddr.IPv4.isValidCIDRFourPartDecimal(range.cidr)) return undefined;
  if (!/\/(0|[1-9]\d?)$/.test(range.cidr)) return undefined;
  return {
    range,
    first: addressNumber(ipaddr.IPv4.networkAddressFromCIDR(range.cidr)),
    last: addressNumber(ipaddr.IPv4.broadcastAddressFromCIDR(range.cidr)),
  };
}

function addressNumber({ octets }: ipaddr.IPv4): number {
  return octets.reduce((number, octet) => number * 256 + octet, 0);
}

function overlaps(one: Block, other: Block): boolean {
  return one.first <= other.last && other.first <= one.last;
}
