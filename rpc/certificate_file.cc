#include "rpc/certificate_file.h"

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <ctime>
#include <memory>

#include "absl/strings/str_cat.h"
#include "driver/base/regular_file.h"

namespace sasd::rpc {
namespace {

// As much as gRPC takes, and more than any chain needs.
constexpr size_t kMaxBytes = 4 << 20;

struct Free {
  void operator()(BIO* bio) const { BIO_free_all(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
};

// The result of ASN1_TIME_to_tm() is in UTC.
bool ReadTime(const ASN1_TIME* time, absl::Time* out) {
  std::tm fields = {};
  if (ASN1_TIME_to_tm(time, &fields) != 1) return false;
  *out = absl::FromTM(fields, absl::UTCTimeZone());
  return true;
}

std::string SubjectOf(X509& certificate) {
  const std::unique_ptr<BIO, Free> bio(BIO_new(BIO_s_mem()));
  // RFC 2253 escapes what is not printable.
  X509_NAME_print_ex(bio.get(), X509_get_subject_name(&certificate), 0, XN_FLAG_RFC2253);
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);  // NOLINT: OpenSSL's type
  std::string subject(text, static_cast<size_t>(size));
  return subject.empty() ? "a certificate without subject" : subject;
}

}  // namespace

absl::StatusOr<std::vector<CertificateInfo>> ParseCertificates(absl::string_view pem) {
  std::vector<CertificateInfo> out;
  ERR_clear_error();
  const std::unique_ptr<BIO, Free> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  while (true) {
    const std::unique_ptr<X509, Free> certificate(
        PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    if (certificate == nullptr) break;
    CertificateInfo& info = out.emplace_back();
    info.subject = SubjectOf(*certificate);
    if (!ReadTime(X509_get0_notBefore(certificate.get()), &info.begin) ||
        !ReadTime(X509_get0_notAfter(certificate.get()), &info.end)) {
      return absl::InvalidArgumentError(
          absl::StrCat("the dates of certificate ", out.size(), " cannot be read"));
    }
  }
  const unsigned long error = ERR_peek_last_error();  // NOLINT: OpenSSL's type
  ERR_clear_error();
  // The end of the text, and nothing else, is "no start line".
  const bool at_end =
      ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
  if (!at_end) {
    return absl::InvalidArgumentError(
        absl::StrCat("certificate ", out.size() + 1, " cannot be decoded"));
  }
  if (out.empty()) return absl::InvalidArgumentError("it has no certificate in PEM");
  return out;
}

absl::StatusOr<std::vector<CertificateInfo>> ReadCertificateFile(const std::string& path) {
  const absl::StatusOr<std::string> text = ReadRegularFile(path, kMaxBytes);
  if (!text.ok()) return text.status();
  return ParseCertificates(*text);
}

}  // namespace sasd::rpc
