// gzip (RFC 1952) by zlib.
#include "base/check.h"
#include "coding/libraries.h"

#include <zlib.h>

namespace portcullis::coding {
namespace {

constexpr int kGzipFormat = 16;  // added to the window's bits: gzip and nothing else
constexpr int kWindowBits = 15;
constexpr int kLevel = 5;
constexpr int kMemoryLevel = 7;
constexpr unsigned char kFirstOctet = 0x1f;
constexpr std::size_t kDecoderBytes = 48UL * 1024;

Bytef* octets(char* data) { return reinterpret_cast<Bytef*>(data); }
// zlib only reads it.
Bytef* octets(std::string_view text) { return octets(const_cast<char*>(text.data())); }

class GzipEncoder final : public Encoder {
 public:
  GzipEncoder() {
    PC_CHECK(deflateInit2(&stream_, kLevel, Z_DEFLATED, kWindowBits + kGzipFormat, kMemoryLevel,
                          Z_DEFAULT_STRATEGY) == Z_OK);
  }
  ~GzipEncoder() override { deflateEnd(&stream_); }
  GzipEncoder(const GzipEncoder&) = delete;
  GzipEncoder& operator=(const GzipEncoder&) = delete;

  Encoded encode(std::string_view plain, std::span<char> out, Flush flush) override {
    stream_.next_in = octets(plain);
    stream_.avail_in = static_cast<uInt>(plain.size());
    stream_.next_out = octets(out.data());
    stream_.avail_out = static_cast<uInt>(out.size());
    const int how = flush == Flush::kEnd     ? Z_FINISH
                    : flush == Flush::kPiece ? Z_SYNC_FLUSH
                                             : Z_NO_FLUSH;
    const int result = deflate(&stream_, how);
    PC_CHECK(result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR);
    const bool all_given = flush == Flush::kEnd ? result == Z_STREAM_END : stream_.avail_out > 0;
    return {.consumed = plain.size() - stream_.avail_in,
            .produced = out.size() - stream_.avail_out,
            .done = stream_.avail_in == 0 && (flush == Flush::kNone || all_given)};
  }
  bool reset() override { return deflateReset(&stream_) == Z_OK; }

 private:
  z_stream stream_{};
};

class GzipDecoder final : public Decoder {
 public:
  explicit GzipDecoder(Budget& budget) : share_(budget) {}
  ~GzipDecoder() override { inflateEnd(&stream_); }
  GzipDecoder(const GzipDecoder&) = delete;
  GzipDecoder& operator=(const GzipDecoder&) = delete;

  bool begin() {
    if (!share_.grow_to(kDecoderBytes)) return false;
    PC_CHECK(inflateInit2(&stream_, kWindowBits + kGzipFormat) == Z_OK);
    return true;
  }

  Result<Decoded> decode(std::string_view coded, std::span<char> out) override {
    stream_.next_in = octets(coded);
    stream_.avail_in = static_cast<uInt>(coded.size());
    stream_.next_out = octets(out.data());
    stream_.avail_out = static_cast<uInt>(out.size());
    while (stream_.avail_in > 0 || !whole_) {
      // RFC 1952 2.2: members may follow one another.
      if (whole_) {
        if (*stream_.next_in != kFirstOctet)
          return malformed_content("bytes behind the end of a gzip body");
        PC_CHECK(inflateReset(&stream_) == Z_OK);
        whole_ = false;
      }
      const int result = inflate(&stream_, Z_NO_FLUSH);
      if (result == Z_STREAM_END) {
        whole_ = true;
        continue;
      }
      if (result == Z_MEM_ERROR) return out_of_coder_memory();
      if (result != Z_OK && result != Z_BUF_ERROR)
        return malformed_content(stream_.msg != nullptr ? stream_.msg : "not gzip");
      break;
    }
    return Decoded{.consumed = coded.size() - stream_.avail_in,
                   .produced = out.size() - stream_.avail_out};
  }
  [[nodiscard]] bool whole() const override { return whole_; }

 private:
  Share share_;
  z_stream stream_{};
  bool whole_ = false;
};

}  // namespace

std::unique_ptr<Encoder> make_gzip_encoder() { return std::make_unique<GzipEncoder>(); }

std::unique_ptr<Decoder> make_gzip_decoder(Budget& budget) {
  auto decoder = std::make_unique<GzipDecoder>(budget);
  if (!decoder->begin()) return nullptr;
  return decoder;
}

}  // namespace portcullis::coding
