#include "coding/coders.h"

#include "base/check.h"
#include "coding/libraries.h"

namespace portcullis::coding {
namespace {

std::size_t encoder_bytes(Coding coding) {
  switch (coding) {
    case Coding::kGzip:
      return kGzipEncoderBytes;
    case Coding::kBrotli:
      return kBrotliEncoderBytes;
    case Coding::kZstd:
      return kZstdEncoderBytes;
    case Coding::kIdentity:
      break;
  }
  return 0;
}

std::unique_ptr<Encoder> make_encoder(Coding coding) {
  switch (coding) {
    case Coding::kGzip:
      return make_gzip_encoder();
    case Coding::kBrotli:
      return make_brotli_encoder();
    case Coding::kZstd:
      return make_zstd_encoder();
    case Coding::kIdentity:
      break;
  }
  return nullptr;
}

}  // namespace

Coders::EncoderLease Coders::encoder(Coding coding) {
  PC_CHECK(coding != Coding::kIdentity);
  const GiveBack give_back{this, coding};
  if (!encoding_.take(encoder_bytes(coding))) return {nullptr, give_back};
  auto& idle = idle_[static_cast<std::size_t>(coding)];
  if (idle.empty()) return {make_encoder(coding).release(), give_back};
  EncoderLease lease(idle.back().release(), give_back);
  idle.pop_back();
  return lease;
}

void Coders::take_back(Coding coding, Encoder* encoder) {
  std::unique_ptr<Encoder> owned(encoder);
  encoding_.give(encoder_bytes(coding));
  auto& idle = idle_[static_cast<std::size_t>(coding)];
  if (idle.size() < kMostIdle && owned->reset()) idle.push_back(std::move(owned));
}

std::unique_ptr<Decoder> Coders::decoder(Coding coding) {
  PC_CHECK(coding != Coding::kIdentity);
  switch (coding) {
    case Coding::kGzip:
      return make_gzip_decoder(decoding_);
    case Coding::kBrotli:
      return make_brotli_decoder(decoding_);
    case Coding::kZstd:
      return make_zstd_decoder(decoding_);
    case Coding::kIdentity:
      break;
  }
  return nullptr;
}

void Coders::trim() {
  for (auto& idle : idle_) idle.clear();
}

}  // namespace portcullis::coding
