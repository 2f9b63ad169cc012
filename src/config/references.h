// What can only be seen with the whole file in hand: names that nothing defines, routes that
// collide, operations that nobody guards.
#pragma once

#include "config/config.h"
#include "config/decoder.h"

namespace portcullis::config {

// Reports errors; passes over what has been reported already while reading.
void check_references(const Config& config, Context& context);

// Reports warnings (nobody may call an operation; something is defined and not used) and notes
// (what is open). For a configuration without errors.
void remark(const Config& config, Context& context);

// The parts of check_references.
void check_roles(const Config& config, Context& context);
void check_apis(const Config& config, Context& context);
void check_upgrades(const Config& config, Context& context);
void check_certificates(const Config& config, Context& context);

// A part of remark().
void remark_certificates(const Config& config, Context& context);

// Who may call an operation: its own word, or its API's; nullptr when neither says.
[[nodiscard]] const std::vector<Text>* authenticators_of(const Api& api, const Route& route);

}  // namespace portcullis::config
