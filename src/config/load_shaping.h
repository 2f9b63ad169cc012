// The readers of what shaping.h holds, for the blocks that have it.
#pragma once

#include "config/config.h"
#include "config/decoder.h"

#include <functional>

namespace portcullis::config {

// What an API, a route and an entry of `operations` may have.
void read_shaping_settings(Scope& scope, ShapingSettings& settings);
// Of an API alone; its `base_path`, routes and `forward` have been read.
void read_api_shaping(Scope& scope, Api& api);
// `respond` and `redirect` of a route.
void read_own_answer(Scope& scope, Route& route);
// `redirect_https` of a listener; whether it is meant to redirect, rightly written or not.
bool read_redirect_https(Scope& scope, Listener& listener);
// `hsts` of a listener's TLS.
void read_hsts(Scope& scope, Tls& tls);

// Calls `visit` for each claim that a field's value names, with its place and key.
void each_claim_in_fields(
    const Config& config,
    const std::function<void(std::string_view claim, Position at, const std::string& key)>& visit);

// Reports what can only be seen with the whole file in hand.
void check_shaping(const Config& config, Context& context);
// Warnings, for a configuration without errors.
void remark_shaping(const Config& config, Context& context);

}  // namespace portcullis::config
