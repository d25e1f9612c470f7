#include "certificate.hpp"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string_view>

#include <boost/asio/buffer.hpp>

namespace tls {

namespace {

template <auto Free>
struct freed_by {
  template <class T>
  void operator()(T* p) const noexcept {
    Free(p);
  }
};
using key_ptr = std::unique_ptr<EVP_PKEY, freed_by<EVP_PKEY_free>>;
using certificate_ptr = std::unique_ptr<X509, freed_by<X509_free>>;
using extension_ptr = std::unique_ptr<X509_EXTENSION, freed_by<X509_EXTENSION_free>>;
using bio_ptr = std::unique_ptr<BIO, freed_by<BIO_free_all>>;

void must(bool worked) {
  if (!worked) throw std::runtime_error("no certificate could be made");
}

void add_extension(X509* certificate, int what, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const extension_ptr extension(X509V3_EXT_conf_nid(nullptr, &context, what, value));
  must(extension && X509_add_ext(certificate, extension.get(), -1) == 1);
}

void set_name(X509* certificate, std::string_view name) {
  X509_NAME* subject = X509_get_subject_name(certificate);
  must(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                  reinterpret_cast<const unsigned char*>(name.data()),
                                  static_cast<int>(name.size()), -1, 0) == 1);
  must(X509_set_issuer_name(certificate, subject) == 1);
}

certificate_ptr make_certificate(EVP_PKEY* key) {
  constexpr long day_s = 24 * 60 * 60, hour_s = 60 * 60;
  certificate_ptr made(X509_new());
  std::uint32_t serial = 0;
  must(made && RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) == 1);
  X509_set_version(made.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(made.get()), static_cast<long>(serial) + 1);
  X509_gmtime_adj(X509_getm_notBefore(made.get()), -hour_s);  // clocks differ
  X509_gmtime_adj(X509_getm_notAfter(made.get()), day_s);
  set_name(made.get(), "localhost");
  add_extension(made.get(), NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1,IP:::1");
  add_extension(made.get(), NID_basic_constraints, "critical,CA:TRUE");
  must(X509_set_pubkey(made.get(), key) == 1 && X509_sign(made.get(), key, EVP_sha256()) != 0);
  return made;
}

std::string text_of(const bio_ptr& bio) {
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

boost::asio::ssl::context plain_context() {
  using boost::asio::ssl::context;
  context made(context::tls_server);
  must(SSL_CTX_set_min_proto_version(made.native_handle(), TLS1_2_VERSION) == 1);
  return made;
}

}  // namespace

self_signed make_self_signed() {
  const key_ptr key(EVP_EC_gen("P-256"));
  must(key != nullptr);
  const certificate_ptr certificate = make_certificate(key.get());
  const bio_ptr certificate_text(BIO_new(BIO_s_mem())), key_text(BIO_new(BIO_s_mem()));
  must(PEM_write_bio_X509(certificate_text.get(), certificate.get()) == 1);
  must(PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) ==
       1);
  return {text_of(certificate_text), text_of(key_text)};
}

boost::asio::ssl::context server_context(const self_signed& identity) {
  auto made = plain_context();
  made.use_certificate_chain(boost::asio::buffer(identity.certificate));
  made.use_private_key(boost::asio::buffer(identity.key), boost::asio::ssl::context::pem);
  return made;
}

boost::asio::ssl::context server_context(const std::string& certificate_file,
                                         const std::string& key_file) {
  auto made = plain_context();
  made.use_certificate_chain_file(certificate_file);
  made.use_private_key_file(key_file, boost::asio::ssl::context::pem);
  return made;
}

}  // namespace tls
