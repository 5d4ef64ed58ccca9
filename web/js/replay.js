import './coh1.js';
