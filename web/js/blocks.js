/* A block's page: its proof record, checked in the browser. */
import { startBlockVerdict } from './block_verdict.js';

startBlockVerdict();
