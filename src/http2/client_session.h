// One HTTP/2 connection to an upstream (RFC 9113), shared by many requests: nghttp2 on a Stream.
//
// One task reads and one writes, for as long as the connection stands; they hold the session. Who
// sends a request holds a ClientStream of it.
#pragma once

#include "base/arena.h"
#include "base/clock.h"
#include "base/result.h"
#include "http/message.h"
#include "runtime/gate.h"
#include "runtime/stream.h"
#include "runtime/task.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

struct nghttp2_session;

namespace portcullis::http2 {

class ClientStream;

// What one connection, and each of its streams, may hold of answers that nobody has taken yet. The
// connection's window is given back as bytes arrive and a stream's as they are taken, so that a
// slow reader holds back its own stream only; what may be held is then kMostStreams windows.
inline constexpr std::int32_t kClientStreamWindow = 128 * 1024;
inline constexpr std::int32_t kClientConnectionWindow = 1024 * 1024;
inline constexpr std::uint32_t kMostClientStreams = 128;

class ClientSession {
 public:
  // Hears of the session. It may call anything of it but not end its own life in it.
  class Watcher {
   public:
    // There is room for one more stream, or the session will take no more.
    virtual void on_change(ClientSession& session) = 0;

   protected:
    ~Watcher() = default;
  };

  explicit ClientSession(std::unique_ptr<runtime::Stream> stream);
  ~ClientSession();
  ClientSession(const ClientSession&) = delete;
  ClientSession& operator=(const ClientSession&) = delete;

  // Reads and writes until the connection is over. To be spawned once, right away.
  static Task<void> run(std::shared_ptr<ClientSession> session);

  // Until the server has said by its SETTINGS that it speaks HTTP/2, and what it allows. Errors:
  // kUpstreamBroken, kTimeout.
  Task<Result<void>> ready(TimePoint deadline);

  // Whether one more stream may be opened now.
  [[nodiscard]] bool has_room() const;
  // How many more.
  [[nodiscard]] std::uint32_t room() const;
  // It will take streams again when others have ended.
  [[nodiscard]] bool is_open() const { return !over_ && !retired_; }
  // Streams that are lent or not quite ended.
  [[nodiscard]] std::uint32_t streams() const {
    return static_cast<std::uint32_t>(streams_.size()) + unsent_;
  }
  [[nodiscard]] bool has_carried_any() const { return carried_any_; }
  [[nodiscard]] TimePoint idle_since() const { return idle_since_; }
  // has_room() is true.
  [[nodiscard]] static std::unique_ptr<ClientStream> open(
      const std::shared_ptr<ClientSession>& session);

  // No more streams: says GOAWAY, and ends when the last stream has.
  void retire();
  // Ends at once, with the streams that are left.
  void close(std::string_view why);
  void watch(Watcher* watcher) { watcher_ = watcher; }

  [[nodiscard]] runtime::Stream& stream() { return *stream_; }
  [[nodiscard]] Loop& loop() { return stream_->loop(); }

  // What the tasks do between the socket and nghttp2: takes what has come, and fills `into` with
  // what is to be sent, of which the value is the size.
  void feed(std::string_view bytes);
  [[nodiscard]] std::size_t collect(std::span<char> into);

 private:
  friend class ClientStream;
  friend struct ClientCallbacks;

  Task<void> read();
  Task<void> write();
  void wake_writer();
  void fail(std::string why);
  [[nodiscard]] static std::unexpected<Error> fail_with(ErrorCode code, std::string why);
  void changed();
  // Ends a retired session that carries nothing any more.
  void end_if_done();
  [[nodiscard]] ClientStream* find(std::int32_t id) const;
  void forget(std::int32_t id);
  // The number of the new stream, or an error of nghttp2.
  [[nodiscard]] std::int32_t submit(std::span<const http::Field> head, bool with_body,
                                    Arena& arena);
  // A frame that carries nothing, of which a peer may not send many.
  void spend();
  void earn();

  std::unique_ptr<runtime::Stream> stream_;
  nghttp2_session* session_ = nullptr;
  // Those that nghttp2 has not closed yet; null: nobody is interested in it any more.
  std::unordered_map<std::int32_t, ClientStream*> streams_;
  std::uint32_t unsent_ = 0;  // lent, and without a number yet
  Watcher* watcher_ = nullptr;
  runtime::Gate settings_;
  runtime::Gate writable_;
  std::string_view unsent_bytes_;  // of nghttp2, until it is asked again
  std::string why_;                // what ended the session
  std::string_view ending_;        // the error that the server goes away with
  TimePoint idle_since_;
  TimePoint heard_;  // when something came last
  std::int32_t budget_;
  bool has_settings_ = false;
  bool retired_ = false;
  bool over_ = false;
  bool carried_any_ = false;
};

}  // namespace portcullis::http2
