// zstd (RFC 8878, RFC 9659) by its library.
#include "base/check.h"
#include "coding/libraries.h"

#include <zstd.h>

namespace portcullis::coding {
namespace {

constexpr int kLevel = 3;
constexpr int kEncoderWindowBits = 16;  // 64 KiB
constexpr int kTableBits = 15;
constexpr int kDecoderWindowBits = 23;  // RFC 9659 3: 8 MiB, and no more
constexpr std::size_t kDecoderBytes = 192UL * 1024;
constexpr char kFirstOctet = 0x28;

class ZstdEncoder final : public Encoder {
 public:
  ZstdEncoder() : context_(ZSTD_createCCtx()) {
    PC_CHECK(context_ != nullptr);
    ZSTD_CCtx_setParameter(context_, ZSTD_c_compressionLevel, kLevel);
    ZSTD_CCtx_setParameter(context_, ZSTD_c_windowLog, kEncoderWindowBits);
    ZSTD_CCtx_setParameter(context_, ZSTD_c_hashLog, kTableBits);
    ZSTD_CCtx_setParameter(context_, ZSTD_c_chainLog, kTableBits);
  }
  ~ZstdEncoder() override { ZSTD_freeCCtx(context_); }
  ZstdEncoder(const ZstdEncoder&) = delete;
  ZstdEncoder& operator=(const ZstdEncoder&) = delete;

  Encoded encode(std::string_view plain, std::span<char> out, Flush flush) override {
    ZSTD_inBuffer in{plain.data(), plain.size(), 0};
    ZSTD_outBuffer to{out.data(), out.size(), 0};
    const auto how = flush == Flush::kEnd     ? ZSTD_e_end
                     : flush == Flush::kPiece ? ZSTD_e_flush
                                              : ZSTD_e_continue;
    const std::size_t left = ZSTD_compressStream2(context_, &to, &in, how);
    PC_CHECK(ZSTD_isError(left) == 0);
    return {.consumed = in.pos,
            .produced = to.pos,
            .done = in.pos == in.size && (flush == Flush::kNone || left == 0)};
  }
  bool reset() override {
    return ZSTD_isError(ZSTD_CCtx_reset(context_, ZSTD_reset_session_only)) == 0;
  }

 private:
  ZSTD_CCtx* context_;
};

class ZstdDecoder final : public Decoder {
 public:
  explicit ZstdDecoder(Budget& budget) : share_(budget) {}
  ~ZstdDecoder() override { ZSTD_freeDCtx(context_); }
  ZstdDecoder(const ZstdDecoder&) = delete;
  ZstdDecoder& operator=(const ZstdDecoder&) = delete;

  bool begin() {
    if (!share_.grow_to(kDecoderBytes)) return false;
    context_ = ZSTD_createDCtx();
    PC_CHECK(context_ != nullptr);
    ZSTD_DCtx_setParameter(context_, ZSTD_d_windowLogMax, kDecoderWindowBits);
    return true;
  }

  Result<Decoded> decode(std::string_view coded, std::span<char> out) override {
    ZSTD_inBuffer in{coded.data(), coded.size(), 0};
    ZSTD_outBuffer to{out.data(), out.size(), 0};
    while (in.pos < in.size || !between_frames_) {
      // Frames may follow one another (RFC 8878 3). Neither the formats before it, which the
      // library may still read, nor skippable frames, which carry what nobody shows.
      if (between_frames_) {
        if (coded[in.pos] != kFirstOctet)
          return malformed_content(whole_ ? "bytes behind the end of a zstd body" : "not zstd");
        between_frames_ = false;
        whole_ = false;
      }
      const std::size_t before = in.pos + to.pos;
      const std::size_t left = ZSTD_decompressStream(context_, &to, &in);
      if (ZSTD_isError(left) != 0) return malformed_content(ZSTD_getErrorName(left));
      if (!share_.grow_to(ZSTD_sizeof_DCtx(context_))) return out_of_coder_memory();
      if (left == 0) {
        between_frames_ = whole_ = true;
      } else if (in.pos + to.pos == before || to.pos == to.size) {
        break;
      }
    }
    return Decoded{.consumed = in.pos, .produced = to.pos};
  }
  [[nodiscard]] bool whole() const override { return whole_; }

 private:
  Share share_;
  ZSTD_DCtx* context_ = nullptr;
  bool between_frames_ = true;
  bool whole_ = false;
};

}  // namespace

std::unique_ptr<Encoder> make_zstd_encoder() { return std::make_unique<ZstdEncoder>(); }

std::unique_ptr<Decoder> make_zstd_decoder(Budget& budget) {
  auto decoder = std::make_unique<ZstdDecoder>(budget);
  if (!decoder->begin()) return nullptr;
  return decoder;
}

}  // namespace portcullis::coding
