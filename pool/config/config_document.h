// ConfigDocument: the configuration as JSON, before it becomes a Config: the file's text parsed,
// the environment's values put over it, and the whole held against the schema.
//
// It remembers where each value came from, so that a complaint about any of them, here or in
// config.cpp, can name the line of the file or the environment variable.
// Thread: one owner.
#pragma once

#include "common/base/result.h"
#include "pool/config/config.h"
#include "pool/config/json_lines.h"

#include <rapidjson/document.h>

#include <map>
#include <string>
#include <string_view>

namespace pool {

class ConfigDocument {
 public:
  [[nodiscard]] static base::Result<ConfigDocument, ConfigError> parse(std::string_view text,
                                                                       std::string_view file_name,
                                                                       const GetEnv& getenv);

  const rapidjson::Document& json() const { return json_; }
  // The digits of a number as the operator wrote them; empty when it was not given.
  std::string number_text(std::string_view pointer) const;

  // "pool.json:12: stratum.listen[0].port: " + what, for the operator.
  ConfigError complain(std::string_view pointer, std::string_view what) const;
  // The same, for a value that is not what its schema entry says:
  // "99999 is not a port (expected an integer from 1 to 65535)".
  ConfigError complain_of_value(std::string_view pointer) const;

 private:
  base::Result<void, ConfigError> parse_text(std::string_view text);
  base::Result<void, ConfigError> validate() const;
  ConfigError complain_of_key(std::string_view pointer) const;
  ConfigError complain_of_missing(std::string_view pointer) const;
  std::string origin(std::string_view pointer) const;

  std::string file_name_;
  JsonLines lines_;
  std::map<std::string, std::string, std::less<>> variables_;    // pointer to environment variable
  std::map<std::string, std::string, std::less<>> env_numbers_;  // pointer to digits
  rapidjson::Document json_;
};

}  // namespace pool
