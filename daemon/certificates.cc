#include "daemon/certificates.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace sasd {
namespace {

using Fact = health::NodeFacts::Certificate;

std::string Day(absl::Time time) {
  return absl::FormatTime("%Y-%m-%d %H:%M UTC", time, absl::UTCTimeZone());
}

DiagnosisCheck Failed(DiagnosisCheck::Status status, const char* reason, std::string message) {
  DiagnosisCheck check;
  check.status = status;
  check.reason = reason;
  check.message = std::move(message);
  check.remedy = "Put a new certificate in its place; sasd reads it within 5 s, without a restart";
  return check;
}

DiagnosisCheck CheckOf(const Fact& fact, absl::Time now) {
  const std::string name = absl::StrCat("certificate ", fact.name);
  if (!fact.error.empty()) {
    return Failed(DiagnosisCheck::Status::kBroken, "CERTIFICATE_UNUSABLE",
                  absl::StrCat(name, ": ", fact.error));
  }
  if (now < fact.begin) {
    return Failed(DiagnosisCheck::Status::kBroken, "CERTIFICATE_UNUSABLE",
                  absl::StrCat(name, " is not valid before ", Day(fact.begin)));
  }
  const int64_t days = absl::ToInt64Hours(fact.end - now) / 24;
  if (now >= fact.end) {
    return Failed(DiagnosisCheck::Status::kBroken, "CERTIFICATE_EXPIRED",
                  absl::StrCat(name, " ended at ", Day(fact.end), ", ", -days, " days ago"));
  }
  std::string message = absl::StrCat(name, " ends at ", Day(fact.end), ", in ", days, " days");
  if (fact.end - now <= health::kCertificateNotice) {
    return Failed(DiagnosisCheck::Status::kLimited, "CERTIFICATE_EXPIRES", std::move(message));
  }
  DiagnosisCheck check;
  check.message = std::move(message);
  return check;
}

}  // namespace

Certificates::Certificates(std::vector<std::string> paths) : paths_(std::move(paths)) { Look(); }

Certificates::~Certificates() { Stop(); }

void Certificates::Start() {
  if (paths_.empty()) return;
  thread_ = std::thread([this] {
    while (true) {
      {
        absl::MutexLock lock(&mu_);
        if (mu_.AwaitWithTimeout(absl::Condition(&stop_), kRound)) return;
      }
      Look();
    }
  });
}

void Certificates::Stop() {
  {
    absl::MutexLock lock(&mu_);
    stop_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

void Certificates::Look() {
  std::vector<Fact> found;
  for (const std::string& path : paths_) {
    const absl::StatusOr<std::vector<rpc::CertificateInfo>> read = rpc::ReadCertificateFile(path);
    if (!read.ok()) {
      Fact& fact = found.emplace_back();
      fact.name = path;
      fact.error = absl::StrCat("it cannot be read: ", read.status().message());
      continue;
    }
    for (const rpc::CertificateInfo& info : *read) {
      Fact& fact = found.emplace_back();
      fact.name = absl::StrCat(info.subject, " in ", path);
      fact.begin = info.begin;
      fact.end = info.end;
    }
  }
  absl::MutexLock lock(&mu_);
  found_ = std::move(found);
}

std::vector<Fact> Certificates::Facts() const {
  absl::MutexLock lock(&mu_);
  return found_;
}

std::vector<DiagnosisCheck> Certificates::Checks(absl::Time now) const {
  std::vector<DiagnosisCheck> checks;
  for (const Fact& fact : Facts()) {
    checks.push_back(CheckOf(fact, now));
    checks.back().subject = "TLS";
  }
  return checks;
}

}  // namespace sasd
