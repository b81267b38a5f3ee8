#include "cli/commands/health_command.h"

#include <string>
#include <vector>

#include "cli/query/fake_sasd.h"
#include "cli/run.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sasd::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class HealthTest : public ::testing::Test {
 protected:
  void Find(sas::v1::Severity severity, const std::string& reason = "SLOW_LINK",
            const std::string& message = "3G instead of 12G") {
    sas::v1::Finding& finding = *sasd_.node.findings.add_findings();
    finding.set_severity(severity);
    finding.set_reason(reason);
    finding.set_resource("hosts/1/phys/3");
    finding.set_message(message);
  }

  // Runs `sasctl health ARGUMENTS`, and returns its exit code.
  int Health(std::vector<std::string> arguments = {}, bool colour = false) {
    sasd_.out.str("");
    sasd_.err.str("");
    arguments.insert(arguments.begin(), "health");
    return cli::Run(arguments,
                    {sasd_.out, sasd_.err, interrupt_, colour, {}, [this](const Connection&) {
                       return sasd_.NewChannel();
                     }});
  }

  std::string out() const { return sasd_.out.str(); }

  FakeSasd sasd_;
  Interrupt interrupt_;
};

TEST_F(HealthTest, ExitCodeIsTheWorstFinding) {
  struct Case {
    std::vector<sas::v1::Severity> severities;
    int code;
    const char* summary;
  };
  constexpr auto kInfo = sas::v1::SEVERITY_INFO, kWarning = sas::v1::SEVERITY_WARNING,
                 kCritical = sas::v1::SEVERITY_CRITICAL;
  for (const Case& c : std::vector<Case>{
           {{}, 0, "OK: nothing is wrong, 24 objects examined at revision 7\n"},
           {{kInfo}, 0, "OK: nothing is wrong, 24 objects examined at revision 7\n"},
           {{kInfo, kWarning},
            1,
            "WARNING: 0 critical, 1 warning, 24 objects examined at revision 7\n"},
           {{kCritical},
            2,
            "CRITICAL: 1 critical, 0 warnings, 24 objects examined at revision 7\n"},
           {{kWarning, kCritical, kWarning},
            2,
            "CRITICAL: 1 critical, 2 warnings, 24 objects examined at revision 7\n"},
       }) {
    sasd_.node.findings.Clear();
    sasd_.node.findings.set_examined_count(24);
    sasd_.node.findings.set_revision(7);
    for (const sas::v1::Severity severity : c.severities) Find(severity);
    EXPECT_EQ(Health(), c.code) << c.summary;
    EXPECT_EQ(out().substr(0, out().find('\n') + 1), c.summary);
  }
}

TEST_F(HealthTest, PrintsOneLinePerFinding) {
  sasd_.node.findings.set_examined_count(1);
  sasd_.node.findings.set_revision(7);
  Find(sas::v1::SEVERITY_CRITICAL, "DEVICE_FAILED", "no sector 0");
  Find(sas::v1::SEVERITY_WARNING, "SLOW_LINK", "3G instead of 12G");
  EXPECT_EQ(Health(), kHealthCritical);
  EXPECT_EQ(out(),
            "CRITICAL: 1 critical, 1 warning, 1 object examined at revision 7\n"
            "critical  DEVICE_FAILED  no sector 0\n"
            "warning   SLOW_LINK      3G instead of 12G\n");
}

TEST_F(HealthTest, StatusOfSasdDecides) {
  Find(sas::v1::SEVERITY_CRITICAL, "HOST_MISSING", "gone");
  sasd_.node.findings.set_status(sas::v1::HEALTH_STATUS_UNKNOWN);
  sasd_.node.findings.set_status_message("there is no host");
  EXPECT_EQ(Health(), kHealthUnknown);
  EXPECT_THAT(out(), HasSubstr("UNKNOWN: there is no host; 1 critical, 0 warnings"));
  sasd_.node.findings.set_status(sas::v1::HEALTH_STATUS_OK);
  EXPECT_EQ(Health(), kHealthOk);
}

TEST_F(HealthTest, AllShowsConsequencesUnderTheirCause) {
  Find(sas::v1::SEVERITY_WARNING, "SINGLE_PATH", "one path");
  sasd_.node.findings.mutable_findings(0)->set_root_cause("x/findings/EXPANDER_MISSING");
  Find(sas::v1::SEVERITY_CRITICAL, "EXPANDER_MISSING", "gone");
  sasd_.node.findings.mutable_findings(1)->set_name("x/findings/EXPANDER_MISSING");
  Find(sas::v1::SEVERITY_CRITICAL, "DRIVE_MISSING", "pulled");
  sasd_.node.findings.mutable_findings(2)->mutable_dismissal()->set_reason("sent back");
  EXPECT_EQ(Health({"--all"}), kHealthCritical);
  EXPECT_TRUE(sasd_.node.findings_requests.back().show_consequences());
  EXPECT_TRUE(sasd_.node.findings_requests.back().show_dismissed());
  EXPECT_THAT(out(), HasSubstr("CRITICAL: 1 critical, 0 warnings"));
  EXPECT_THAT(out(), HasSubstr("critical  EXPANDER_MISSING  gone\n"
                               "warning     SINGLE_PATH     one path\n"
                               "critical  DRIVE_MISSING     pulled (dismissed: sent back)\n"));
}

TEST_F(HealthTest, OtherFormatsKeepFindingsAndExitCode) {
  Find(sas::v1::SEVERITY_WARNING);
  EXPECT_EQ(Health({"-o", "name"}), kHealthWarning);
  EXPECT_EQ(out(), "hosts/1/phys/3\n");
  EXPECT_EQ(Health({"-o", "jsonl"}), kHealthWarning);
  EXPECT_EQ(out(),
            "{\"severity\":\"SEVERITY_WARNING\",\"reason\":\"SLOW_LINK\","
            "\"resource\":\"hosts/1/phys/3\",\"message\":\"3G instead of 12G\"}\n");
  EXPECT_EQ(Health({"-o", "yaml"}), kHealthWarning);
  EXPECT_EQ(out(),
            "findings:\n"
            "- severity: SEVERITY_WARNING\n"
            "  reason: SLOW_LINK\n"
            "  resource: hosts/1/phys/3\n"
            "  message: \"3G instead of 12G\"\n");
  EXPECT_EQ(Health({"-o", "json"}), kHealthWarning);
  EXPECT_THAT(out(), HasSubstr("\n   \"reason\": \"SLOW_LINK\""));
}

TEST_F(HealthTest, AcceptsAnyNameOfAHost) {
  sasd_.topology.Add(ParseResource(R"(host { name: "hosts/500605b00ab01230" })"), {"host1"});
  EXPECT_EQ(Health({"host1", "hosts/2"}), kHealthOk);
  EXPECT_THAT(sasd_.node.findings_requests.back().hosts(),
              ElementsAre("hosts/500605b00ab01230", "hosts/2"));
}

// Exit codes 1 and 2 of a monitoring plugin describe the hardware; sasctl's own errors are 3.
TEST_F(HealthTest, ErrorsAreUnknown) {
  EXPECT_EQ(Health({"host2"}), kHealthUnknown);
  EXPECT_THAT(sasd_.err.str(), HasSubstr("no host \"host2\""));
  EXPECT_EQ(Health({"-o", "jsn"}), kHealthUnknown);
  EXPECT_EQ(Health({"-o"}), kHealthUnknown);
  EXPECT_EQ(Health({"--verbos"}), kHealthUnknown);
  EXPECT_THAT(sasd_.err.str(), HasSubstr("--verbos"));
  EXPECT_EQ(Health({"--timeout", "soon"}), kHealthUnknown);
  EXPECT_THAT(sasd_.node.findings_requests, IsEmpty());
  for (const auto code : {grpc::StatusCode::UNAVAILABLE, grpc::StatusCode::DEADLINE_EXCEEDED,
                          grpc::StatusCode::INVALID_ARGUMENT, grpc::StatusCode::INTERNAL}) {
    sasd_.node.Fail(grpc::Status(code, "because"));
    EXPECT_EQ(Health(), kHealthUnknown) << code;
    EXPECT_THAT(out(), IsEmpty());
  }
}

TEST_F(HealthTest, HelpExitsWithZero) { EXPECT_EQ(Health({"--help"}), 0); }

TEST_F(HealthTest, ColoursOnlyOnATerminal) {
  Find(sas::v1::SEVERITY_CRITICAL);
  EXPECT_EQ(Health({}, /*colour=*/true), kHealthCritical);
  EXPECT_THAT(out(), HasSubstr("\033[31mCRITICAL\033[0m: "));
  EXPECT_EQ(Health({"--no-color"}, /*colour=*/true), kHealthCritical);
  EXPECT_THAT(out(), Not(HasSubstr("\033")));
}

}  // namespace
}  // namespace sasd::cli
