// TLS as a filter of bytes: what a peer sent goes in, plaintext comes out, and what is to be sent
// back; OpenSSL without a socket.
//
// TlsContext: a certificate chain and its key, read and checked once, then immutable: any number
//             of connections on any threads share it. Replacing a certificate is making another
//             context for the connections to come. Times (a ticket's age) OpenSSL reads itself.
//             Or whom to trust, for connections that we make.
// Tls:        one connection, of either side. TLS 1.2 and 1.3, ephemeral keys and AEAD ciphers
//             only, no renegotiation, no compression, no client certificates, no early data.
//             Stateless session tickets: a miner that comes back saves the public-key work.
//             Our side as a client goes on only when the certificate is signed by somebody it
//             trusts, in force, and for the host it wanted, a name or an address.
//
// Errors: TlsContext::from_pem() one line for the operator: the file, what is wrong with it.
//         Tls: a TlsError; `to_peer` then holds the alert to send before closing. Nothing works
//         after it.
// Limits: tls_handshake_bytes_max ciphertext before the handshake is complete (for a client
//         tls_server_handshake_bytes_max); tls_key_updates_max changes of keys after it. Between
//         calls a connection holds no buffer, unless the peer has left a record (16 KiB) half sent.
// Thread: Tls belongs to one thread at a time and may be moved to another between calls.
#pragma once

#include "common/base/bytes.h"
#include "common/base/result.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace net {

// A ClientHello with post-quantum keys has about 2 KiB; a client sends little else.
inline constexpr std::size_t tls_handshake_bytes_max = 16 * 1024;
// A server's flight holds its chain: some ten certificates of 2 KiB at the very most.
inline constexpr std::size_t tls_server_handshake_bytes_max = 64 * 1024;
// A TLS 1.3 peer may change its keys, and ask us to change ours, as often as it likes (RFC 8446,
// 4.6.3): a few bytes of its time for some microseconds of ours. A miner's connection needs none.
inline constexpr std::uint32_t tls_key_updates_max = 32;
// The record type of a handshake: the first byte of every TLS connection (RFC 8446, 5.1).
inline constexpr std::uint8_t tls_first_byte = 0x16;

struct TlsError {
  std::string why;       // "no shared cipher"
  bool by_peer = false;  // it sent an alert: it does not trust our certificate, say
};

// PEM text and the name it goes by in errors, usually its file's.
struct Pem {
  std::string_view text;
  std::string_view name;
};

class TlsContext {
 public:
  // The server's certificate first, then those that signed it; the key without a passphrase.
  [[nodiscard]] static base::Result<std::shared_ptr<const TlsContext>, std::string> from_pem(
      const Pem& certificate_chain, const Pem& key);

  // For connect(): trust whom the system trusts. OpenSSL reads its files by itself, as it needs
  // them; SSL_CERT_FILE and SSL_CERT_DIR in the environment say where else they are.
  [[nodiscard]] static base::Result<std::shared_ptr<const TlsContext>, std::string>
  trusting_system();
  // Those in `authorities` and nobody else; a server's own certificate will do.
  [[nodiscard]] static base::Result<std::shared_ptr<const TlsContext>, std::string> trusting(
      const Pem& authorities);
  // No check at all: against listeners who only listen.
  [[nodiscard]] static base::Result<std::shared_ptr<const TlsContext>, std::string>
  trusting_anyone();

  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  // Of a server's certificate, for the log: "CN=pool.example".
  const std::string& subject() const;
  std::int64_t expires_unix_seconds() const;

 private:
  friend class Tls;
  struct State;
  TlsContext();
  static base::Result<std::shared_ptr<TlsContext>, std::string> make_client();
  std::unique_ptr<State> state_;
};

class Tls {
 public:
  // Nothing when there is no memory for it.
  [[nodiscard]] static std::unique_ptr<Tls> accept(std::shared_ptr<const TlsContext> context);
  // The client's side, to a server whose certificate must be for `host`: a name, or an address in
  // numbers. Begin with start(). Nothing when there is no memory for it.
  // REQUIRES: a context that says whom to trust.
  [[nodiscard]] static std::unique_ptr<Tls> connect(std::shared_ptr<const TlsContext> context,
                                                    std::string_view host);
  ~Tls();
  Tls(const Tls&) = delete;
  Tls& operator=(const Tls&) = delete;

  // A client's first words. Once.
  [[nodiscard]] base::Result<void, TlsError> start(std::string& to_peer);
  // Any piece of what the peer sent. Appends what is deciphered, and what has to go back.
  [[nodiscard]] base::Result<void, TlsError> receive(base::ByteSpan from_peer,
                                                     std::string& plaintext, std::string& to_peer);
  // REQUIRES: is_established().
  [[nodiscard]] base::Result<void, TlsError> send(base::ByteSpan plaintext, std::string& to_peer);
  // The orderly end of what we send. Nothing before the handshake is complete.
  void close_notify(std::string& to_peer);

  bool is_established() const;
  bool peer_has_closed() const;  // its close_notify came; what it sends after it is ignored

 private:
  struct State;
  explicit Tls(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace net
