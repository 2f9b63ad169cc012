// Roles, compiled: for each operation, the roles that permit it, inclusion followed to its end.
// What no role permits is refused.
//
//   const Permits permits = Permits::compile(config, operations, diagnostics);  // one for a
//   snapshot const OperationPermit* permit = permits.find("shop.getOrder");              // one for
//   a route PC_CHECK_OK(permit->check(identity.roles));                                 // each
//   request
#pragma once

#include "base/result.h"
#include "config/config.h"

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace portcullis::authz {

// Roles are numbered by their place in Config::roles.
using RoleId = std::uint32_t;

struct Operation {
  std::string api;
  std::string name;
};

// Who may call one operation. Immutable; safe from any thread.
class OperationPermit {
 public:
  // True when one of the caller's roles permits it. Numbers that are no role count for nothing.
  [[nodiscard]] bool allows(std::span<const RoleId> roles) const {
    for (const RoleId role : roles) {
      if (role / 64 < bits_.size() && ((bits_[role / 64] >> (role % 64)) & 1) != 0) return true;
    }
    return false;
  }
  // kForbidden with the rule `roles`; no allocation when it is allowed.
  [[nodiscard]] Result<void> check(std::span<const RoleId> roles) const;

  [[nodiscard]] const std::string& operation() const { return operation_; }  // `api.operation`

 private:
  friend class Permits;
  std::string operation_;
  std::vector<std::uint64_t> bits_;  // bit i: role i permits it
};

class Permits {
 public:
  // `operations` are all that the configuration has; naming one twice (an operation of several
  // routes) is fine. An entry of a role that does not mean exactly one role or operation is an
  // error at its place, and permits nothing.
  [[nodiscard]] static Permits compile(const config::Config& config,
                                       std::span<const Operation> operations,
                                       config::Diagnostics& diagnostics);

  // By `api.operation`; null when it is none of the operations. Lives as long as this.
  [[nodiscard]] const OperationPermit* find(std::string_view operation) const;

  // The names of the roles that permit `api.operation`, in the order of the configuration: itself
  // or by inclusion.
  [[nodiscard]] std::vector<std::string> who_may(std::string_view operation) const;

  // Why one of `roles` permits `api.operation`: the entries of the configuration that lead from the
  // first role that does to the operation, each with the role that it stands in. Empty when none
  // does.
  struct Grant {
    std::string role;   // whose entry it is
    std::string entry;  // a role that it includes, or at the end the operation
    config::Position at;
  };
  [[nodiscard]] std::vector<Grant> why(std::string_view operation,
                                       std::span<const RoleId> roles) const;

 private:
  // An entry of a role, with what it means.
  struct Entry {
    std::string text;
    std::string operation;  // `api.operation`; empty when it is a role
    RoleId included = 0;
    config::Position at;
  };
  std::vector<std::vector<Entry>> entries_;  // by role
  std::vector<std::string> roles_;
  std::map<std::string, OperationPermit, std::less<>> operations_;
};

}  // namespace portcullis::authz
