/* What the verifier wants, out of a block of the proof chain as the API tells it. Pure. */
import { COH1 } from './coh1.js';

const { fromHex } = COH1;
const numeral = (text) => BigInt(`0x${text}`);
export function chainRecord(detail) {
  const { proof } = detail;
  return {
    name: `Proof chain block ${detail.height.toLocaleString('en-US')}`, height: detail.height, header76: fromHex(detail.header),
    extranonce: numeral(proof.extranonce), attempt: numeral(proof.attempt), params: Number(numeral(proof.params)), target: numeral(proof.target),
    certificate: fromHex(proof.certificate), certHash: fromHex(detail.cert_hash), workHash: fromHex(proof.work_hash),
  };
}
