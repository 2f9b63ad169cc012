// The rules behind each step, in words and with their lines: what `explain` says beside the
// decision itself.
#pragma once

#include "gateway/account.h"
#include "gateway/explain.h"
#include "gateway/snapshot.h"
#include "gateway/step.h"
#include "http/message.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace portcullis::gateway {

class FactFinder {
 public:
  // Both must outlive it.
  FactFinder(const Snapshot& snapshot, const config::Diagnostics& places, std::size_t listener)
      : snapshot_(snapshot), places_(places), listener_(snapshot.listeners()[listener]) {}

  // Of a step that the request passed.
  [[nodiscard]] std::vector<Fact> of(Step step, const Account& account,
                                     const http::Request& request) const;
  // Of the step that refused it.
  [[nodiscard]] std::vector<Fact> of_refusal(const Account& account, const Error& error,
                                             const http::Request& request) const;
  // Of the rule by which the gateway answers itself.
  [[nodiscard]] std::vector<Fact> of_answer(const Account& account) const;
  [[nodiscard]] std::string line_of(std::string_view key) const { return places_.line_of(key); }

 private:
  // A route of the configuration with the plan that it became.
  struct Place {
    const Plan* plan = nullptr;
    const config::Api* api = nullptr;
    const config::Route* route = nullptr;
    std::string key;  // `apis.shop.routes[2]`
  };
  [[nodiscard]] std::vector<Place> places() const;
  [[nodiscard]] Place place_of(const Plan& plan) const;
  // Where a setting of a route is written: in the route, in `operations`, or in its API. The API
  // itself when it is nowhere, and a default.
  [[nodiscard]] std::string line_of_setting(const Plan& plan, const std::string& name) const;
  // The key of that place; empty when it is nowhere.
  [[nodiscard]] std::string key_of_setting(const Plan& plan, std::string_view name) const;
  // The settings of a step that need no more words than their names.
  void add_settings(Step step, const Plan& plan, std::vector<Fact>& facts) const;

  [[nodiscard]] std::vector<Fact> about_reading(const http::Request& request) const;
  [[nodiscard]] std::vector<Fact> about_route(const Plan& plan) const;
  [[nodiscard]] std::vector<Fact> about_limits(const ratelimit::Limiter::List& limits) const;
  [[nodiscard]] std::vector<Fact> about_identity(const Account& account) const;
  [[nodiscard]] std::vector<Fact> about_roles(const Account& account) const;
  [[nodiscard]] std::vector<Fact> about_body(const Plan& plan, const http::Request& request) const;
  [[nodiscard]] std::vector<Fact> about_upstream(const Plan& plan) const;
  [[nodiscard]] std::vector<Fact> about_missing_role(const Plan& plan,
                                                     const authn::Identity& identity) const;
  [[nodiscard]] std::vector<Fact> about_other_hosts(const http::Request& request) const;
  [[nodiscard]] std::vector<Fact> about_other_routes(const http::Request& request) const;

  const Snapshot& snapshot_;
  const config::Diagnostics& places_;
  const ListenerPlan& listener_;
};

// Whether the API answers for the host: by name, by pattern, or since it names none.
[[nodiscard]] bool takes_host(const config::Api& api, std::string_view host);

// `200/s`, `5/15m`: as the configuration writes it.
[[nodiscard]] std::string rate_text(const config::Rate& rate);

}  // namespace portcullis::gateway
