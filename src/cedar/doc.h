// Text that knows where it may be broken, laid out for a width: the pretty printer of Wadler ("A
// prettier printer"), greedy, with the refinement that a line feed takes the indentation of what
// follows it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace portcullis::cedar {

class DocBuilder {
 public:
  struct Node;
  using Doc = const Node*;  // nullptr is nothing; lives as long as the builder

  // Borrows the text.
  [[nodiscard]] Doc text(std::string_view text);
  [[nodiscard]] Doc space() { return text(" "); }
  // A line feed, whatever is around it.
  [[nodiscard]] Doc hard_line();
  // A line feed, or a space (nothing) where the group around it fits on the line.
  [[nodiscard]] Doc line();
  [[nodiscard]] Doc soft_line();
  [[nodiscard]] Doc join(std::vector<Doc> parts);
  [[nodiscard]] Doc nest(std::size_t by, Doc inner);
  // On one line if it fits, else with each of its line feeds.
  [[nodiscard]] Doc group(Doc inner);

  struct Node {
    enum class Kind : std::uint8_t { kText, kHardLine, kLine, kSoftLine, kJoin, kNest, kGroup };
    Kind kind = Kind::kText;
    std::string_view text;
    std::size_t size = 0;  // bytes of the text; columns of a nest
    std::vector<Doc> parts;
  };

 private:
  Doc make(Node node);
  std::deque<Node> nodes_;
};

[[nodiscard]] std::string lay_out(DocBuilder::Doc doc, std::size_t width);

}  // namespace portcullis::cedar
