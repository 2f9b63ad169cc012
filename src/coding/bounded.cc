#include "coding/bounded.h"

namespace portcullis::coding {

Result<std::string_view> BoundedDecoder::next() {
  while (!input_.empty() || filled_) {
    PC_TRY(const Decoded step, decoder_->decode(input_, room_));
    input_.remove_prefix(step.consumed);
    coded_ += step.consumed;
    plain_ += step.produced;
    filled_ = step.produced == room_.size();
    if (plain_ > bounds_.size)
      return refuse(ErrorCode::kContentTooLarge, "body decodes to more than `decompress.size`");
    if (plain_ > kFreeBytes && plain_ > coded_ * bounds_.ratio)
      return refuse(ErrorCode::kContentTooLarge, "body decodes to more than `decompress.ratio`");
    if (step.produced > 0) return std::string_view(room_.data(), step.produced);
    if (step.consumed == 0 && !input_.empty())
      return refuse(ErrorCode::kMalformedContent, "the decoder takes no more");
  }
  return std::string_view{};
}

bool BoundedDecoder::whole() const {
  return input_.empty() && !filled_ && (coded_ == 0 || decoder_->whole());
}

}  // namespace portcullis::coding
