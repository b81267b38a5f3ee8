#include "daemon/service/alias_service.h"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>  // NOLINT: one owned thread
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "daemon/registry/fake_facts.h"
#include "daemon/registry/registry.h"
#include "daemon/service/alias_book.h"
#include "daemon/service/open_calls.h"
#include "driver/base/fake_clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sas/v1/alias_service.grpc.pb.h"

namespace sasd::service {
namespace {

using grpc::StatusCode;
using registry::Drive;
using registry::HostOf;
using registry::kEnclosure;
using registry::kHostA;
using registry::Settled;
using registry::Unit;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kHost[] = "hosts/000000000000000a", kJbod[] = "enclosures/0000000000000077";

// Publishes what the registry commits, on a thread of its own, and keeps it.
class Publishing {
 public:
  explicit Publishing(registry::Registry& registry)
      : registry_(registry), thread_([this] { Run(); }) {}
  ~Publishing() {
    registry_.events().Close();
    thread_.join();
  }

  registry::RegistryEventPtr last() const {
    absl::MutexLock lock(&mu_);
    return last_;
  }

 private:
  void Run() {
    while (registry_.events().WaitAndClaim()) {
      do {
        for (const registry::CommittedEvent& each : registry_.events().Take(1'000)) {
          absl::MutexLock lock(&mu_);
          last_ = each.event;
          registry_.Publish({each});
        }
      } while (!registry_.events().Release());
    }
  }

  registry::Registry& registry_;
  mutable absl::Mutex mu_;
  registry::RegistryEventPtr last_ ABSL_GUARDED_BY(mu_);
  std::thread thread_;
};

// A store of rows that may fail.
struct FakeRows {
  std::map<std::string, std::string> rows;
  absl::Status failure;

  AliasBook::Keep Keeper() {
    return [this](const std::string& key, const std::optional<std::string>& value) {
      if (!failure.ok()) return failure;
      if (value.has_value()) {
        rows[key] = *value;
      } else {
        rows.erase(key);
      }
      return absl::OkStatus();
    };
  }
  std::vector<AliasBook::Row> Kept() const { return {rows.begin(), rows.end()}; }
};

EnclosureFacts Jbod() {
  EnclosureFacts facts;
  facts.key = kEnclosure;
  facts.host = kHostA;
  facts.slot_count = 4;
  facts.os_name = "11:0:2:0";
  return facts;
}

// A host with an enclosure and a drive in it, served in the process.
class AliasServiceTest : public ::testing::Test {
 protected:
  AliasServiceTest() {
    grpc::ServerBuilder builder;
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    stub_ = sas::v1::AliasService::NewStub(server_->InProcessChannel(grpc::ChannelArguments()));
    LogicalUnitFacts unit = Unit(kHostA, 0x11, "naa.1");
    unit.serial = "ZA1";
    Report({HostOf(kHostA), Settled(kHostA), Jbod(), Drive(kHostA, 0x11), unit});
  }
  ~AliasServiceTest() override { server_->Shutdown(); }

  void Report(std::vector<Observation> observations) {
    registry_.Observe(registry::Batch(std::move(observations)));
    registry_.events().Ask();
    ASSERT_TRUE(registry_.WaitForRevision(registry_.committed_revision(), absl::Seconds(30)).ok());
  }
  grpc::Status Set(const std::string& object, const std::string& alias) {
    sas::v1::SetAliasRequest request;
    request.set_object(object);
    request.set_alias(alias);
    grpc::ClientContext context;
    return stub_->SetAlias(&context, request, &set_);
  }
  grpc::Status Remove(const std::string& object) {
    sas::v1::RemoveAliasRequest request;
    request.set_object(object);
    grpc::ClientContext context;
    sas::v1::RemoveAliasResponse response;
    return stub_->RemoveAlias(&context, request, &response);
  }
  // "resource=alias", with what is special about it.
  std::vector<std::string> List() {
    grpc::ClientContext context;
    sas::v1::ListAliasesResponse response;
    EXPECT_TRUE(stub_->ListAliases(&context, {}, &response).ok());
    std::vector<std::string> lines;
    for (const sas::v1::Alias& each : response.aliases()) {
      lines.push_back(absl::StrCat(each.resource(), "=", each.alias(),
                                   each.origin() == sas::v1::ALIAS_ORIGIN_FILE ? " file" : "",
                                   each.present() ? "" : " gone",
                                   each.refusal().empty() ? "" : " refused"));
    }
    return lines;
  }
  std::string AliasOfJbod() { return AliasOf(registry_, kEnclosure); }
  static std::string AliasOf(const registry::Registry& registry, EnclosureKey key) {
    const auto enclosure = registry.Snapshot()->Get<registry::Enclosure>(key);
    return enclosure == nullptr ? "gone" : enclosure->alias.str();
  }
  absl::Status File(const std::vector<std::pair<std::string, std::string>>& lines) {
    std::vector<GivenAlias> file;
    for (const auto& [resource, alias] : lines) {
      file.push_back({resource, alias, absl::StrCat("aliases.toml:", file.size() + 1, ":1")});
    }
    absl::Status status = book_.SetFile(file, registry_, clock_.Now());
    registry_.WaitForRevision(registry_.committed_revision(), absl::Seconds(30)).IgnoreError();
    return status;
  }

  FakeClock clock_;
  FakeRows store_;
  registry::Registry registry_{{"00000000000000aa", 0}};
  Publishing publishing_{registry_};
  OpenCalls open_;
  ResourceFinder finder_{registry_};
  AliasBook book_{{}, store_.Keeper()};
  AliasService service_{registry_, book_, finder_, open_.calls, clock_};
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<sas::v1::AliasService::Stub> stub_;
  sas::v1::SetAliasResponse set_;
};

TEST_F(AliasServiceTest, SetAliasIsAnEventAndFound) {
  ASSERT_TRUE(Set(kJbod, "rack3-top").ok());
  EXPECT_EQ(set_.alias().resource(), kJbod);
  EXPECT_FALSE(set_.alias().author().empty());
  EXPECT_EQ(AliasOfJbod(), "rack3-top");
  const registry::RegistryEventPtr event = publishing_.last();
  EXPECT_EQ(event->revision, set_.revision());
  ASSERT_EQ(event->changes.size(), 1u);
  EXPECT_EQ(event->changes[0].kind(), registry::ChangeKind::kModified);
  EXPECT_THAT(event->cause.text, HasSubstr("alias \"rack3-top\" set by"));
  const auto topology = registry_.Snapshot();
  EXPECT_EQ(finder_.Find(topology, "RACK3-TOP", {}).resources.size(), 1u);
  const auto slots = finder_.Find(topology, "rack3-top/1", {}).resources;
  ASSERT_EQ(slots.size(), 1u);
  EXPECT_EQ(registry::KindOf(slots[0]), registry::ResourceKind::kSlot);
  EXPECT_THAT(List(), ElementsAre(absl::StrCat(kJbod, "=rack3-top")));
}

TEST_F(AliasServiceTest, SameAliasAgainIsNoEvent) {
  ASSERT_TRUE(Set(kJbod, "rack3-top").ok());
  const int64_t revision = registry_.revision();
  EXPECT_TRUE(Set("rack3-top", "rack3-top").ok());
  EXPECT_EQ(registry_.revision(), revision);
  EXPECT_TRUE(Set("rack3-top", "rack4").ok()) << "a new one instead";
  EXPECT_EQ(AliasOfJbod(), "rack4");
}

TEST_F(AliasServiceTest, NameOfAnotherObjectIsRefused) {
  for (const char* taken : {"ZA1", "za1"}) {
    const grpc::Status status = Set(kJbod, taken);
    EXPECT_EQ(status.error_code(), StatusCode::ALREADY_EXISTS) << taken;
    EXPECT_THAT(status.error_message(), HasSubstr("is already the name of logicalUnits/naa.1"));
  }
  ASSERT_TRUE(Set(kHost, "rack3").ok());
  const grpc::Status status = Set(kJbod, "RACK3");
  EXPECT_EQ(status.error_code(), StatusCode::ALREADY_EXISTS);
  EXPECT_THAT(status.error_message(), HasSubstr(absl::StrCat("is the alias of ", kHost)));
  EXPECT_EQ(AliasOfJbod(), "");
}

TEST_F(AliasServiceTest, WhatCannotBeAnAliasIsRefused) {
  for (const char* bad :
       {"", "rack 3", "-rack", "a/b", "42", "cafe", "sdb", "SG3", "host11", "dm-0",
        "r\xc3\xa4"
        "ck",
        "0123456789012345678901234567890123456789012345678901234567890123x"}) {
    const grpc::Status status = Set(kJbod, bad);
    EXPECT_EQ(status.error_code(), StatusCode::INVALID_ARGUMENT) << bad;
    EXPECT_THAT(status.error_message(), HasSubstr("cannot be an alias")) << bad;
  }
  for (const char* good : {"rack3-top", "R3", "sd-shelf", "hostel", "a.b_c", "3a"}) {
    EXPECT_TRUE(Set(kJbod, good).ok()) << good;
  }
}

TEST_F(AliasServiceTest, OnlyHostsAndEnclosuresHaveAliases) {
  const grpc::Status drive = Set("ZA1", "rack3");
  EXPECT_EQ(drive.error_code(), StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(drive.error_message(), HasSubstr("only hosts and enclosures"));
  EXPECT_EQ(Set("nothing", "rack3").error_code(), StatusCode::NOT_FOUND);
}

TEST_F(AliasServiceTest, AliasStaysWhileTheObjectIsGone) {
  ASSERT_TRUE(Set(kJbod, "rack3-top").ok());
  Report({EnclosureGone{kEnclosure, kHostA},
          EndDeviceGone{{kHostA, SasAddress(0x11), PhysicalPort(0)}}});
  ASSERT_EQ(AliasOfJbod(), "gone");
  EXPECT_THAT(List(), ElementsAre(absl::StrCat(kJbod, "=rack3-top gone")));
  Report({Jbod()});
  EXPECT_EQ(AliasOfJbod(), "rack3-top");
  Report({EnclosureGone{kEnclosure, kHostA}});
  EXPECT_TRUE(Remove("rack3-top").ok()) << "also while it is gone";
  Report({Jbod()});
  EXPECT_EQ(AliasOfJbod(), "");
  EXPECT_EQ(Remove(kJbod).error_code(), StatusCode::NOT_FOUND);
}

TEST_F(AliasServiceTest, KeptAliasesHoldAfterARestart) {
  ASSERT_TRUE(Set(kJbod, "rack3-top").ok());
  ASSERT_TRUE(Set(kHost, "rack3-a").ok());
  ASSERT_TRUE(Remove(kHost).ok());
  store_.rows["enclosures/nonsense"] = "x";
  const AliasBook again(store_.Kept());
  EXPECT_THAT(again.unreadable(), ElementsAre("enclosures/nonsense"));
  EXPECT_EQ(again.Held().Of(kEnclosure), "rack3-top");
  EXPECT_EQ(again.Held().Of(kHostA), "");
  ASSERT_EQ(again.List().size(), 1u);
  EXPECT_EQ(again.List()[0].set_time, absl::FromUnixSeconds(absl::ToUnixSeconds(clock_.Now())));
  registry::Registry::Options options = {"00000000000000aa", 0};
  options.aliases = again.Held();
  registry::Registry registry(std::move(options));
  registry.Observe(registry::Batch({HostOf(kHostA), Jbod()}));
  const auto events = registry.events().Take(10);
  registry.Publish(events);
  EXPECT_EQ(events.size(), 1u) << "it comes with its alias";
  EXPECT_EQ(AliasOf(registry, kEnclosure), "rack3-top");
}

TEST_F(AliasServiceTest, FailedWriteChangesNothing) {
  store_.failure = absl::UnavailableError("disk is full");
  EXPECT_EQ(Set(kJbod, "rack3-top").error_code(), StatusCode::UNAVAILABLE);
  EXPECT_EQ(AliasOfJbod(), "");
  EXPECT_THAT(List(), IsEmpty());
}

TEST_F(AliasServiceTest, FileWinsOverWhatWasSet) {
  ASSERT_TRUE(Set(kJbod, "set").ok());
  ASSERT_TRUE(Set(kHost, "rack3").ok());
  ASSERT_TRUE(File({{kJbod, "rack3"}}).ok());
  EXPECT_EQ(AliasOfJbod(), "rack3");
  EXPECT_THAT(List(),
              ElementsAre(absl::StrCat(kJbod, "=rack3 file"), absl::StrCat(kJbod, "=set refused"),
                          absl::StrCat(kHost, "=rack3 refused")));
  for (const grpc::Status& status : {Set(kJbod, "other"), Remove(kJbod), Remove("rack3")}) {
    EXPECT_EQ(status.error_code(), StatusCode::FAILED_PRECONDITION);
    EXPECT_THAT(status.error_message(), HasSubstr("the file of aliases calls"));
  }
  ASSERT_TRUE(File({}).ok());
  EXPECT_EQ(AliasOfJbod(), "set") << "what was set is still known";
  EXPECT_EQ(registry_.Snapshot()->Get<registry::Host>(kHostA)->alias, "rack3");
}

TEST_F(AliasServiceTest, FileExchangesTwoAliasesAtOnce) {
  ASSERT_TRUE(File({{kJbod, "one"}, {kHost, "two"}}).ok());
  ASSERT_TRUE(File({{kJbod, "two"}, {kHost, "one"}}).ok());
  EXPECT_EQ(AliasOfJbod(), "two");
  EXPECT_EQ(registry_.Snapshot()->Get<registry::Host>(kHostA)->alias, "one");
}

TEST_F(AliasServiceTest, FileWithFaultsChangesNothing) {
  ASSERT_TRUE(File({{kJbod, "rack3"}}).ok());
  const absl::Status status =
      File({{kJbod, "a b"}, {"logicalUnits/naa.1", "drive"}, {kHost, "x1"}, {kJbod, "X1"}});
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("aliases.toml:1:1: \"a b\" cannot be an alias"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("aliases.toml:2:1: \"logicalUnits/naa.1\""));
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("aliases.toml:4:1: \"X1\" is already an alias at aliases.toml:3:1"));
  EXPECT_EQ(AliasOfJbod(), "rack3");
}

TEST_F(AliasServiceTest, NameOfAnObjectInTheFileIsNotUsed) {
  ASSERT_TRUE(File({{kJbod, "ZA1"}, {kHost, "rack3"}}).ok());
  EXPECT_EQ(AliasOfJbod(), "");
  EXPECT_THAT(List(), ElementsAre(absl::StrCat(kJbod, "=ZA1 file refused"),
                                  absl::StrCat(kHost, "=rack3 file")));
}

}  // namespace
}  // namespace sasd::service
