#include "cedar/doc.h"

#include <algorithm>

namespace portcullis::cedar {

namespace {

using Doc = DocBuilder::Doc;
using Kind = DocBuilder::Node::Kind;

class Layout {
 public:
  explicit Layout(std::size_t width) : width_(width) {}

  std::string run(Doc doc) {
    push(0, false, doc);
    while (!open_.empty()) {
      const Command command = open_.back();
      open_.pop_back();
      step(command);
    }
    return std::move(out_);
  }

 private:
  struct Command {
    std::size_t indent = 0;
    bool flat = false;
    Doc doc = nullptr;
  };

  void push(std::size_t indent, bool flat, Doc doc) {
    if (doc != nullptr) open_.push_back({indent, flat, doc});
  }

  void step(const Command& command) {
    const Doc doc = command.doc;
    switch (doc->kind) {
      case Kind::kText:
        out_ += doc->text;
        column_ += doc->size;
        return;
      case Kind::kHardLine:
        feed(command.indent);
        return;
      case Kind::kLine:
      case Kind::kSoftLine:
        if (!command.flat) {
          feed(command.indent);
        } else if (doc->kind == Kind::kLine) {
          out_ += ' ';
          ++column_;
        }
        return;
      case Kind::kJoin:
        for (auto part = doc->parts.rbegin(); part != doc->parts.rend(); ++part)
          push(command.indent, command.flat, *part);
        return;
      case Kind::kNest:
        push(command.indent + doc->size, command.flat, doc->parts.front());
        return;
      case Kind::kGroup:
        push(command.indent, command.flat || fits(doc->parts.front()), doc->parts.front());
        return;
    }
  }

  void feed(std::size_t indent) {
    if (!open_.empty()) indent = open_.back().indent;
    out_ += '\n';
    out_.append(indent, ' ');
    column_ = indent;
  }

  // Whether the rest of the line has room for it, and for what follows up to the next line feed.
  bool fits(Doc first) {
    std::size_t column = column_;
    std::size_t behind = open_.size();
    bool flat = true;
    todo_.assign(1, first);
    for (;;) {
      if (todo_.empty()) {
        if (behind == 0) return true;
        flat = false;
        todo_.push_back(open_[--behind].doc);
      }
      const Doc doc = todo_.back();
      todo_.pop_back();
      switch (doc->kind) {
        case Kind::kText:
          column += doc->size;
          if (column > width_) return false;
          break;
        case Kind::kHardLine:
          return !flat;
        case Kind::kLine:
        case Kind::kSoftLine:
          if (!flat) return true;
          if (doc->kind == Kind::kLine && ++column > width_) return false;
          break;
        default:
          todo_.insert(todo_.end(), doc->parts.rbegin(), doc->parts.rend());
          break;
      }
    }
  }

  std::size_t width_;
  std::size_t column_ = 0;
  std::string out_;
  std::vector<Command> open_;
  std::vector<Doc> todo_;
};

}  // namespace

DocBuilder::Doc DocBuilder::make(Node node) { return &nodes_.emplace_back(std::move(node)); }

DocBuilder::Doc DocBuilder::text(std::string_view text) {
  Node node;
  node.text = text;
  // In bytes, as Cedar's own formatter counts, so that both break the same lines.
  node.size = text.size();
  return make(std::move(node));
}

DocBuilder::Doc DocBuilder::hard_line() {
  Node node;
  node.kind = Kind::kHardLine;
  return make(std::move(node));
}

DocBuilder::Doc DocBuilder::line() {
  Node node;
  node.kind = Kind::kLine;
  return make(std::move(node));
}

DocBuilder::Doc DocBuilder::soft_line() {
  Node node;
  node.kind = Kind::kSoftLine;
  return make(std::move(node));
}

DocBuilder::Doc DocBuilder::join(std::vector<Doc> parts) {
  std::erase(parts, nullptr);
  if (parts.empty()) return nullptr;
  if (parts.size() == 1) return parts.front();
  Node node;
  node.kind = Kind::kJoin;
  node.parts = std::move(parts);
  return make(std::move(node));
}

DocBuilder::Doc DocBuilder::nest(std::size_t by, Doc inner) {
  if (inner == nullptr) return nullptr;
  Node node;
  node.kind = Kind::kNest;
  node.size = by;
  node.parts.push_back(inner);
  return make(std::move(node));
}

DocBuilder::Doc DocBuilder::group(Doc inner) {
  if (inner == nullptr) return nullptr;
  Node node;
  node.kind = Kind::kGroup;
  node.parts.push_back(inner);
  return make(std::move(node));
}

std::string lay_out(DocBuilder::Doc doc, std::size_t width) { return Layout(width).run(doc); }

}  // namespace portcullis::cedar
