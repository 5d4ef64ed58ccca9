// The reader's address in the commands of the connect page.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { addressIn } from '../../../web/js/connect.js';

test('of what was pasted the address is left: no worker, no spaces, nothing that a shell would read', () => {
  for (const [pasted, address] of [
    ['bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080', 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080'],
    ['  1BoatSLRHtKNngkdXEeobR76b53LETtpyT.rig1 ', '1BoatSLRHtKNngkdXEeobR76b53LETtpyT'],
    ['tb1q; rm -rf ~', 'tb1qrmrf'],
    ['$(x)`y`"\'<b>', 'xyb'],
    ['.', ''], ['', ''],
  ]) assert.equal(addressIn(pasted), address);
});
