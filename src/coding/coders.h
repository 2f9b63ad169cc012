// The encoders and decoders of one thread, in bounded memory. What an encoder has allocated is kept
// for the next body.
#pragma once

#include "coding/budget.h"
#include "coding/coder.h"
#include "coding/coding.h"

#include <array>
#include <cstddef>
#include <memory>
#include <vector>

namespace portcullis::coding {

class Coders {
 public:
  static constexpr std::size_t kMostBytes = 64UL << 20U;  // for either kind

  Coders() = default;
  explicit Coders(std::size_t most_bytes) : encoding_(most_bytes), decoding_(most_bytes) {}

  struct GiveBack {
    Coders* to = nullptr;
    Coding coding = Coding::kIdentity;
    void operator()(Encoder* encoder) const { to->take_back(coding, encoder); }
  };
  // Goes back when it is dropped; must not outlive the coders.
  using EncoderLease = std::unique_ptr<Encoder, GiveBack>;

  // Null when the memory is used up: the body then goes as it is. `coding` is not kIdentity.
  [[nodiscard]] EncoderLease encoder(Coding coding);
  // Null when the memory is used up. `coding` is not kIdentity; must not outlive the coders.
  [[nodiscard]] std::unique_ptr<Decoder> decoder(Coding coding);

  // Frees what stands idle.
  void trim();

  [[nodiscard]] std::size_t encoding_bytes() const { return encoding_.used(); }
  [[nodiscard]] std::size_t decoding_bytes() const { return decoding_.used(); }

 private:
  static constexpr std::size_t kMostIdle = 4;  // of each coding
  void take_back(Coding coding, Encoder* encoder);

  Budget encoding_{kMostBytes};
  Budget decoding_{kMostBytes};
  std::array<std::vector<std::unique_ptr<Encoder>>, kCodings> idle_;
};

}  // namespace portcullis::coding
