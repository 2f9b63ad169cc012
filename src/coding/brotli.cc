// br (RFC 7932) by Google's library.
#include "base/check.h"
#include "coding/libraries.h"

#include <brotli/decode.h>
#include <brotli/encode.h>
#include <cstdlib>
#include <malloc.h>

namespace portcullis::coding {
namespace {

constexpr std::uint32_t kQuality = 4;
constexpr std::uint32_t kWindowBits = 16;  // 64 KiB

const std::uint8_t* octets(std::string_view text) {
  return reinterpret_cast<const std::uint8_t*>(text.data());
}
std::uint8_t* octets(char* data) { return reinterpret_cast<std::uint8_t*>(data); }

class BrotliEncoder final : public Encoder {
 public:
  BrotliEncoder() : state_(BrotliEncoderCreateInstance(nullptr, nullptr, nullptr)) {
    PC_CHECK(state_ != nullptr);
    BrotliEncoderSetParameter(state_, BROTLI_PARAM_QUALITY, kQuality);
    BrotliEncoderSetParameter(state_, BROTLI_PARAM_LGWIN, kWindowBits);
  }
  ~BrotliEncoder() override { BrotliEncoderDestroyInstance(state_); }
  BrotliEncoder(const BrotliEncoder&) = delete;
  BrotliEncoder& operator=(const BrotliEncoder&) = delete;

  Encoded encode(std::string_view plain, std::span<char> out, Flush flush) override {
    const std::uint8_t* in = octets(plain);
    std::uint8_t* to = octets(out.data());
    std::size_t in_left = plain.size();
    std::size_t out_left = out.size();
    const auto how = flush == Flush::kEnd     ? BROTLI_OPERATION_FINISH
                     : flush == Flush::kPiece ? BROTLI_OPERATION_FLUSH
                                              : BROTLI_OPERATION_PROCESS;
    PC_CHECK(BrotliEncoderCompressStream(state_, how, &in_left, &in, &out_left, &to, nullptr) ==
             BROTLI_TRUE);
    const bool all_given = BrotliEncoderHasMoreOutput(state_) == BROTLI_FALSE;
    return {.consumed = plain.size() - in_left,
            .produced = out.size() - out_left,
            .done = in_left == 0 && (flush == Flush::kNone || all_given)};
  }
  bool reset() override { return false; }  // the library has no such thing

 private:
  BrotliEncoderState* state_;
};

// The decoder asks for its window as soon as a block is announced, which may be 16 MiB for a few
// bytes: every allocation is counted, and refused when the budget is used up.
void* allocate(void* budget, std::size_t size) {
  void* memory = std::malloc(size);
  if (memory == nullptr) return nullptr;
  if (static_cast<Budget*>(budget)->take(malloc_usable_size(memory))) return memory;
  std::free(memory);
  return nullptr;
}

void release(void* budget, void* memory) {
  if (memory == nullptr) return;
  static_cast<Budget*>(budget)->give(malloc_usable_size(memory));
  std::free(memory);
}

bool is_out_of_memory(BrotliDecoderErrorCode code) {
  return code <= BROTLI_DECODER_ERROR_ALLOC_CONTEXT_MODES &&
         code >= BROTLI_DECODER_ERROR_ALLOC_BLOCK_TYPE_TREES;
}

class BrotliDecoder final : public Decoder {
 public:
  explicit BrotliDecoder(Budget& budget)
      : state_(BrotliDecoderCreateInstance(allocate, release, &budget)) {}
  ~BrotliDecoder() override {
    if (state_ != nullptr) BrotliDecoderDestroyInstance(state_);
  }
  BrotliDecoder(const BrotliDecoder&) = delete;
  BrotliDecoder& operator=(const BrotliDecoder&) = delete;

  [[nodiscard]] bool begun() const { return state_ != nullptr; }

  Result<Decoded> decode(std::string_view coded, std::span<char> out) override {
    if (whole()) {
      if (coded.empty()) return Decoded{};
      return malformed_content("bytes behind the end of a br body");
    }
    const std::uint8_t* in = octets(coded);
    std::uint8_t* to = octets(out.data());
    std::size_t in_left = coded.size();
    std::size_t out_left = out.size();
    const BrotliDecoderResult result =
        BrotliDecoderDecompressStream(state_, &in_left, &in, &out_left, &to, nullptr);
    if (result == BROTLI_DECODER_RESULT_ERROR) {
      const BrotliDecoderErrorCode code = BrotliDecoderGetErrorCode(state_);
      if (is_out_of_memory(code)) return out_of_coder_memory();
      return malformed_content(BrotliDecoderErrorString(code));
    }
    return Decoded{.consumed = coded.size() - in_left, .produced = out.size() - out_left};
  }
  [[nodiscard]] bool whole() const override {
    return BrotliDecoderIsFinished(state_) == BROTLI_TRUE;
  }

 private:
  BrotliDecoderState* state_;
};

}  // namespace

std::unique_ptr<Encoder> make_brotli_encoder() { return std::make_unique<BrotliEncoder>(); }

std::unique_ptr<Decoder> make_brotli_decoder(Budget& budget) {
  auto decoder = std::make_unique<BrotliDecoder>(budget);
  if (!decoder->begun()) return nullptr;
  return decoder;
}

}  // namespace portcullis::coding
