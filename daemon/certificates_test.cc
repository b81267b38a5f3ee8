#include "daemon/certificates.h"

#include <stdlib.h>

#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sasd {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// Of the certificates below (openssl ca -selfsign -startdate ... -enddate ...).
const absl::Time kBegin = absl::FromUnixSeconds(1767225600);  // 2026-01-01 00:00 UTC
const absl::Time kEnd = absl::FromUnixSeconds(1798761600);    // 2027-01-01 00:00 UTC

constexpr char kNode[] = R"(-----BEGIN CERTIFICATE-----
MIIBMDCB1wIUKYXhCgY7xBuk6jJpy3Qs17rTTOgwCgYIKoZIzj0EAwIwGzEZMBcG
A1UEAwwQbm9kZS5leGFtcGxlLm9yZzAeFw0yNjAxMDEwMDAwMDBaFw0yNzAxMDEw
MDAwMDBaMBsxGTAXBgNVBAMMEG5vZGUuZXhhbXBsZS5vcmcwWTATBgcqhkjOPQIB
BggqhkjOPQMBBwNCAASmypGOHB5qmtnnr0N5c8MOrYZPaDJylqD/pHk86N9aSLwi
OsOhzPKnI5PDJDJh8uncuY3QLw6afqYbZn04JpQzMAoGCCqGSM49BAMCA0gAMEUC
IQD4FwNTNGbh+kJMamXiJYc5zsv6Bgnxeo6uPAIXOLrnAQIgS1ldrMtEGVm7k3FR
8I+yBuiwuAPR6v/RQd3Hi38ciqE=
-----END CERTIFICATE-----
)";
constexpr char kOther[] = R"(-----BEGIN CERTIFICATE-----
MIIBMjCB2QIUbi3p+Dwdty34vRop9Rogl8NIdfEwCgYIKoZIzj0EAwIwHDEaMBgG
A1UEAwwRb3RoZXIuZXhhbXBsZS5vcmcwHhcNMjYwMTAxMDAwMDAwWhcNMjcwMTAx
MDAwMDAwWjAcMRowGAYDVQQDDBFvdGhlci5leGFtcGxlLm9yZzBZMBMGByqGSM49
AgEGCCqGSM49AwEHA0IABEgLNpQIQ6bM7br2elbNbkvSM6WlwR1H2EddoKcb5jlf
inYvlNGz8xkcXoZTFkSUReRYCBCX4ed3C5q6FJOjyO8wCgYIKoZIzj0EAwIDSAAw
RQIgE+nvanAh+N403fcxX70LrokeZxbE1miWgzUTQHWitAoCIQDCJ5S5OeAlqQNz
82MnJIGulIP9nOdmfBAwkJ9SYSjg9A==
-----END CERTIFICATE-----
)";

class CertificatesTest : public testing::Test {
 protected:
  void SetUp() override {
    char folder[] = "/tmp/sasd-certificates.XXXXXX";
    ASSERT_NE(mkdtemp(folder), nullptr);
    folder_ = folder;
    path_ = absl::StrCat(folder_, "/node.pem");
    Write(kNode);
  }
  void TearDown() override {
    EXPECT_EQ(system(absl::StrCat("rm -r ", folder_).c_str()), 0);  // NOLINT: no user input
  }

  void Write(const std::string& text) { std::ofstream(path_, std::ios::trunc) << text; }

  DiagnosisCheck Only(const Certificates& certificates, absl::Time now) {
    const std::vector<DiagnosisCheck> checks = certificates.Checks(now);
    EXPECT_THAT(checks, SizeIs(1));
    return checks.empty() ? DiagnosisCheck() : checks[0];
  }

  std::string folder_, path_;
};

TEST_F(CertificatesTest, DoctorShowsSubjectEndAndDays) {
  const Certificates certificates({path_});
  const DiagnosisCheck check = Only(certificates, kEnd - absl::Hours(24 * 31));
  EXPECT_EQ(check.status, DiagnosisCheck::Status::kOk);
  EXPECT_EQ(check.subject, "TLS");
  EXPECT_EQ(check.message, absl::StrCat("certificate CN=node.example.org in ", path_,
                                        " ends at 2027-01-01 00:00 UTC, in 31 days"));
}

TEST_F(CertificatesTest, EndIsAnnouncedThirtyDaysAhead) {
  const Certificates certificates({path_});
  const absl::Time notice = kEnd - absl::Hours(24 * 30);
  EXPECT_EQ(Only(certificates, notice - absl::Seconds(1)).reason, "");
  EXPECT_EQ(Only(certificates, notice).reason, "CERTIFICATE_EXPIRES");
  EXPECT_EQ(Only(certificates, notice).status, DiagnosisCheck::Status::kLimited);
  EXPECT_EQ(Only(certificates, kEnd - absl::Seconds(1)).reason, "CERTIFICATE_EXPIRES");
  EXPECT_EQ(Only(certificates, kEnd).reason, "CERTIFICATE_EXPIRED");
  EXPECT_EQ(Only(certificates, kEnd).status, DiagnosisCheck::Status::kBroken);
  EXPECT_EQ(Only(certificates, kBegin - absl::Seconds(1)).reason, "CERTIFICATE_UNUSABLE");
}

TEST_F(CertificatesTest, NewFileCountsAtTheNextLook) {
  Certificates certificates({path_});
  Write(kOther);
  certificates.Look();
  EXPECT_THAT(Only(certificates, kBegin).message, HasSubstr("CN=other.example.org"));
}

TEST_F(CertificatesTest, EachCertificateOfAChainIsReported) {
  Write(absl::StrCat(kNode, kOther));
  const Certificates certificates({path_});
  EXPECT_THAT(certificates.Checks(kBegin), SizeIs(2));
}

TEST_F(CertificatesTest, UnreadableFileIsNeverHealthy) {
  for (const std::string& text :
       {std::string(), std::string("no certificate"), std::string(kNode).substr(0, 200),
        std::string(kNode) + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}) {
    Write(text);
    const Certificates certificates({path_});
    const DiagnosisCheck check = Only(certificates, kBegin);
    EXPECT_EQ(check.reason, "CERTIFICATE_UNUSABLE") << text;
    EXPECT_THAT(check.message, HasSubstr(path_));
    EXPECT_NE(certificates.Facts()[0].error, "");
  }
  const Certificates gone({path_ + ".gone"});
  EXPECT_THAT(Only(gone, kBegin).message, HasSubstr("No such file"));
}

TEST_F(CertificatesTest, NothingIsReportedWithoutTls) {
  const Certificates certificates({});
  EXPECT_THAT(certificates.Checks(kBegin), IsEmpty());
}

}  // namespace
}  // namespace sasd
