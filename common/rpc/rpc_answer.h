// What a JSON-RPC answer's body holds, found without building a document: a block template's
// "result" is megabytes that its own parser reads anyway, so here it is only delimited.
//
// Errors: the body is not an object with the members of an answer. The inside of "result" is not
//         checked beyond its quotes and brackets: whoever parses it does that.
// Thread: pure functions.
#pragma once

#include "common/base/result.h"

#include <string>
#include <string_view>

namespace rpc {

struct RpcAnswer {
  std::string_view result;  // raw JSON text inside the body; "null" where there is none
  std::string_view error;   // likewise
  std::string_view id;      // likewise
};

enum class AnswerError { not_an_answer };

[[nodiscard]] base::Result<RpcAnswer, AnswerError> parse_answer(std::string_view body);

struct NodeError {
  int code = 0;
  std::string message;  // one line, printable, bounded
};

// The members of an "error" object; what is missing keeps its default.
NodeError parse_node_error(std::string_view json);

// `text` on one line: control characters become spaces, and it is cut after `bytes_max`.
std::string one_line(std::string_view text, std::size_t bytes_max);

}  // namespace rpc
