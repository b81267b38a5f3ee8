#include "cli/commands/doctor_command.h"

#include <string>
#include <vector>

#include "cli/commands/health_command.h"
#include "cli/query/fake_sasd.h"
#include "cli/run.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sasd::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

class DoctorTest : public ::testing::Test {
 protected:
  sas::v1::Check& Add(sas::v1::CheckStatus status, const std::string& subject,
                      const std::string& message) {
    sas::v1::Check& check = *sasd_.node.diagnosis.add_checks();
    check.set_status(status);
    check.set_subject(subject);
    check.set_message(message);
    return check;
  }

  // Runs `sasctl doctor ARGUMENTS`, and returns its exit code.
  int Doctor(std::vector<std::string> arguments = {}, bool colour = false) {
    sasd_.out.str("");
    sasd_.err.str("");
    arguments.insert(arguments.begin(), "doctor");
    return cli::Run(arguments,
                    {sasd_.out, sasd_.err, interrupt_, colour, {}, [this](const Connection&) {
                       return sasd_.NewChannel();
                     }});
  }

  std::string out() const { return sasd_.out.str(); }

  FakeSasd sasd_;
  Interrupt interrupt_;
};

TEST_F(DoctorTest, ExitCodeIsTheWorstCheck) {
  Add(sas::v1::CHECK_STATUS_OK, "sysfs", "/sys is read");
  EXPECT_EQ(Doctor(), 0);
  EXPECT_THAT(out(), StartsWith("OK: 0 broken, 0 limited, 1 ok\n"));
  Add(sas::v1::CHECK_STATUS_LIMITED, "host11", "less");
  EXPECT_EQ(Doctor(), 1);
  EXPECT_THAT(out(), StartsWith("LIMITED: 0 broken, 1 limited, 1 ok\n"));
  Add(sas::v1::CHECK_STATUS_BROKEN, "uevents", "none");
  EXPECT_EQ(Doctor(), 2);
  EXPECT_THAT(out(), StartsWith("BROKEN: 1 broken, 1 limited, 1 ok\n"));
}

TEST_F(DoctorTest, GroupsChecksWithRemedyAndCommand) {
  Add(sas::v1::CHECK_STATUS_OK, "sysfs", "/sys is read");
  sas::v1::Check& host = Add(sas::v1::CHECK_STATUS_LIMITED, "host11", "sysfs alone");
  host.set_remedy("Nothing mends it");
  sas::v1::Check& sg = Add(sas::v1::CHECK_STATUS_LIMITED, "generic names", "no sgN");
  sg.set_remedy("Load the driver");
  sg.set_command("modprobe sg");
  Add(sas::v1::CHECK_STATUS_BROKEN, "uevents", "none come");
  EXPECT_EQ(Doctor(), kHealthCritical);
  EXPECT_EQ(out(),
            "BROKEN: 1 broken, 2 limited, 1 ok\n"
            "broken\n"
            "  uevents: none come\n"
            "limited\n"
            "  host11: sysfs alone\n"
            "    Nothing mends it\n"
            "  generic names: no sgN\n"
            "    Load the driver:\n"
            "    $ modprobe sg\n"
            "ok\n"
            "  sysfs: /sys is read\n");
}

TEST_F(DoctorTest, OtherFormatsKeepChecksAndExitCode) {
  sas::v1::Check& check = Add(sas::v1::CHECK_STATUS_LIMITED, "host11", "less");
  check.set_reason("SYSFS_ALONE");
  check.set_resource("hosts/500605b00ab01230");
  EXPECT_EQ(Doctor({"-o", "jsonl"}), kHealthWarning);
  EXPECT_EQ(out(),
            "{\"status\":\"CHECK_STATUS_LIMITED\",\"reason\":\"SYSFS_ALONE\",\"subject\":"
            "\"host11\",\"resource\":\"hosts/500605b00ab01230\",\"message\":\"less\"}\n");
  EXPECT_EQ(Doctor({"-o", "yaml"}), kHealthWarning);
  EXPECT_THAT(out(), StartsWith("checks:\n- status: CHECK_STATUS_LIMITED\n"));
  EXPECT_EQ(Doctor({"-o", "json"}), kHealthWarning);
  EXPECT_THAT(out(), HasSubstr("\n   \"reason\": \"SYSFS_ALONE\""));
}

TEST_F(DoctorTest, AnUnknownStatusIsNotOk) {
  Add(static_cast<sas::v1::CheckStatus>(9), "sysfs", "who knows");
  EXPECT_EQ(Doctor(), kHealthWarning);
}

TEST_F(DoctorTest, DiagnosesLocallyWithoutAnAnswer) {
  for (const auto code : {grpc::StatusCode::UNAVAILABLE, grpc::StatusCode::DEADLINE_EXCEEDED}) {
    sasd_.node.Fail(grpc::Status(code, "because"));
    EXPECT_EQ(Doctor({"--addr", "unix:/nowhere/at/all.sock"}), kHealthUnknown);
    EXPECT_THAT(out(),
                StartsWith("UNKNOWN: sasd at unix:/nowhere/at/all.sock does not answer\nbroken\n"));
    EXPECT_THAT(out(), HasSubstr("socket: there is no socket /nowhere/at/all.sock"));
    EXPECT_THAT(sasd_.err.str(), IsEmpty());
    EXPECT_EQ(Doctor({"--addr", "unix:/nowhere/at/all.sock", "-o", "jsonl"}), kHealthUnknown);
    EXPECT_THAT(out(), HasSubstr("\"reason\":\"NO_SOCKET\""));
  }
}

TEST_F(DoctorTest, OtherErrorsAreUnknown) {
  EXPECT_EQ(Doctor(), kHealthUnknown);
  EXPECT_THAT(out(), HasSubstr("reports no checks"));
  EXPECT_EQ(Doctor({"-o", "jsn"}), kHealthUnknown);
  EXPECT_EQ(Doctor({"--verbos"}), kHealthUnknown);
  EXPECT_THAT(sasd_.err.str(), HasSubstr("--verbos"));
  sasd_.node.Fail(grpc::Status(grpc::StatusCode::UNIMPLEMENTED, ""));
  EXPECT_EQ(Doctor(), kHealthUnknown);
  EXPECT_THAT(sasd_.err.str(), HasSubstr("is it older than this sasctl"));
}

TEST_F(DoctorTest, ColoursOnlyOnATerminal) {
  Add(sas::v1::CHECK_STATUS_BROKEN, "uevents", "none").set_command("true");
  EXPECT_EQ(Doctor({}, /*colour=*/true), kHealthCritical);
  EXPECT_THAT(out(), HasSubstr("\033[31mBROKEN\033[0m: "));
  EXPECT_THAT(out(), HasSubstr("$ \033[36mtrue\033[0m"));
  EXPECT_EQ(Doctor({"--no-color"}, /*colour=*/true), kHealthCritical);
  EXPECT_THAT(out(), Not(HasSubstr("\033")));
}

TEST_F(DoctorTest, HelpExitsWithZero) { EXPECT_EQ(Doctor({"--help"}), 0); }

}  // namespace
}  // namespace sasd::cli
