import { isIPv6 } from 'node:net';

interface Addressed {
  readonly SPENDGATE_PUBLIC_URL?: string | undefined;
  readonly SPENDGATE_HOST: string;
  readonly SPENDGATE_PORT: number;
}

/**
 * Where clients reach this process, without a slash at the end. Signed reads are checked against it and documents name
 * it, so it comes from the settings, never from a request's Host.
 */
export function publicUrlOf({ SPENDGATE_PUBLIC_URL: url, SPENDGATE_HOST: host, SPENDGATE_PORT: port }: Addressed) {
  return url === undefined ? `http://${isIPv6(host) ? `[${host}]` : host}:${port}` : url.replace(/\/+$/, '');
}
