// Script pieces: pushes, the BIP34 height, and standard output scripts.
// Source: Bitcoin Core, script/script.h (CScriptNum, operator<<), BIP34, BIP141.
#pragma once

#include "common/base/bytes.h"

#include <cstdint>

namespace bitcoin {

// A minimal data push, as CScript's operator<< makes it. REQUIRES: at most 520 bytes.
void append_push(base::Bytes& script, base::ByteSpan data);
// An integer as CScript's operator<< pushes it: OP_0, OP_1..OP_16, else a minimal CScriptNum.
void append_script_number(base::Bytes& script, std::int64_t value);
// What BIP34 demands at the start of a coinbase's scriptSig. REQUIRES: height > 0.
base::Bytes bip34_height_push(std::uint32_t height);

base::Bytes p2pkh_script(base::ByteSpan hash160);  // REQUIRES: 20 bytes
base::Bytes p2sh_script(base::ByteSpan hash160);   // REQUIRES: 20 bytes
// OP_n and one push. REQUIRES: version <= 16, program of 2 to 40 bytes.
base::Bytes witness_script(int version, base::ByteSpan program);

// Signature operations as consensus counts them without looking at what a script spends: each
// CHECKMULTISIG counts 20. What cannot be read as a script counts as far as it can.
// Source: Bitcoin Core, script/script.cpp GetSigOpCount(fAccurate=false), for
//         consensus/tx_verify.cpp GetLegacySigOpCount.
std::uint64_t legacy_sigops(base::ByteSpan script);

}  // namespace bitcoin
