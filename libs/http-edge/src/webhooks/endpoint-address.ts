import { BlockList, isIP } from 'node:net';

/** IPv4 blocks no message leaves for: IANA's special-purpose registry (RFC 6890), multicast and reserved. */
const NOT_PUBLIC_V4: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.31.196.0', 24],
  ['192.52.193.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['192.175.48.0', 24],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
];
/** Of IPv6 only global unicast is public, without what is documentation, or carries an IPv4 address inside. */
const PUBLIC_V6: readonly [string, number] = ['2000::', 3];
const NOT_PUBLIC_V6: readonly (readonly [string, number])[] = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
];

const v4 = new BlockList();
for (const [net, prefix] of NOT_PUBLIC_V4) v4.addSubnet(net, prefix, 'ipv4');
const publicV6 = new BlockList();
publicV6.addSubnet(...PUBLIC_V6, 'ipv6');
const v6 = new BlockList();
for (const [net, prefix] of NOT_PUBLIC_V6) v6.addSubnet(net, prefix, 'ipv6');

/** Whether an address is on the public internet. Whoever declares a webhook chooses where our network sends a request. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return !v4.check(address, 'ipv4');
  return family === 6 && publicV6.check(address, 'ipv6') && !v6.check(address, 'ipv6');
}

/**
 * Whether a URL may be a webhook at all; what its name resolves to is judged at every connection.
 *
 * @param insecure also `http`, and addresses that are not public: the demo domain, or an operator's setting
 * @returns what is wrong with it; `null`: nothing
 */
export function checkWebhookUrl(text: string, insecure: boolean): string | null {
  if (text.length > 2_048 || !URL.canParse(text)) return 'no URL';
  const url = new URL(text);
  if (url.protocol !== 'https:' && !(insecure && url.protocol === 'http:')) return 'must be https';
  if (url.username !== '' || url.password !== '') return 'must hold no credentials';
  const host = url.hostname.replace(/^\[|\]$/g, ''); // WHATWG URL has brought 0x7f.1 and 2130706433 to 127.0.0.1
  return isIP(host) !== 0 && !insecure && !isPublicAddress(host) ? 'must be a public address' : null;
}
