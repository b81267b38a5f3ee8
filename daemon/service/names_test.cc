#include "daemon/service/names.h"

#include <vector>

#include "gtest/gtest.h"

namespace sasd::service {
namespace {

using registry::MakeId;

constexpr HostKey kHost(SasAddress(0x500605b00ab01234));
const NodeKey kExpander{kHost, SasAddress(0x500304800175f0bf), PhysicalPort(0)};

TEST(NamesTest, EveryKeyHasOneNameThatLeadsBack) {
  const std::vector<std::pair<registry::ResourceId, std::string>> cases = {
      {MakeId<registry::Host>(kHost), "hosts/500605b00ab01234"},
      {MakeId<registry::Phy>({NodeKey::Host(kHost), PhyId(7)}), "hosts/500605b00ab01234/phys/7"},
      {MakeId<registry::Phy>({kExpander, PhyId(0)}),
       "hosts/500605b00ab01234/expanders/500304800175f0bf/phys/0"},
      {MakeId<registry::Port>({kExpander, SasAddress(0x5000c500e23ccd9d)}),
       "hosts/500605b00ab01234/expanders/500304800175f0bf/ports/5000c500e23ccd9d"},
      {MakeId<registry::Expander>(kExpander), "hosts/500605b00ab01234/expanders/500304800175f0bf"},
      {MakeId<registry::EndDevice>({kHost, SasAddress(0x5000c500e23ccd9d), PhysicalPort(2)}),
       "hosts/500605b00ab01234/endDevices/5000c500e23ccd9d-p2"},
      {MakeId<registry::LogicalUnit>(registry::LogicalUnitKey("naa.5000c500a7b26111")),
       "logicalUnits/naa.5000c500a7b26111"},
      {MakeId<registry::LogicalUnit>(registry::LogicalUnitKey("t10.ATA  a/b")),
       "logicalUnits/t10.ATA%20%20a%2Fb"},
      {MakeId<registry::Enclosure>(EnclosureKey(0x500304800175f0bf)),
       "enclosures/500304800175f0bf"},
      {MakeId<registry::Slot>({EnclosureKey(0x500304800175f0bf), 23}),
       "enclosures/500304800175f0bf/slots/23"},
  };
  for (const auto& [id, name] : cases) {
    EXPECT_EQ(NameOf(id), name);
    const absl::StatusOr<registry::ResourceId> parsed = ParseName(name);
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_TRUE(*parsed == id) << name;
  }
}

TEST(NamesTest, AnotherSpellingIsNoName) {
  for (const char* name : {"",
                           "hosts",
                           "hosts/",
                           "hosts/500605B00AB01234",
                           "hosts/0x500605b00ab01234",
                           "hosts/500605b00ab0123",
                           "hosts/500605b00ab01234/",
                           "hosts/500605b00ab01234/phys/07",
                           "hosts/500605b00ab01234/phys/256",
                           "hosts/500605b00ab01234/phys/-1",
                           "hosts/500605b00ab01234/fans/1",
                           "hosts/500605b00ab01234/expanders/500605b00ab01234",
                           "hosts/500605b00ab01234/expanders/500605b00ab01234/phys/1",
                           "hosts/500605b00ab01234/endDevices/5000c500e23ccd9d-p0",
                           "hosts/500605b00ab01234/endDevices/5000c500e23ccd9d-p",
                           "hosts/500605b00ab01234/endDevices/5000c500e23ccd9d/phys/1",
                           "logicalUnits/",
                           "logicalUnits/a b",
                           "logicalUnits/%61",
                           "logicalUnits/%2",
                           "enclosures/1/slots/2",
                           "enclosures/500304800175f0bf/slots/65536",
                           "sdb"}) {
    const absl::StatusOr<registry::ResourceId> parsed = ParseName(name);
    EXPECT_EQ(parsed.status().code(), absl::StatusCode::kInvalidArgument) << name;
    EXPECT_NE(parsed.status().message().find(name), std::string::npos);
  }
}

TEST(NamesTest, AnOwnerIsAHostOrAnExpander) {
  EXPECT_EQ(*ParseOwnerName("hosts/500605b00ab01234"), NodeKey::Host(kHost));
  EXPECT_EQ(*ParseOwnerName(OwnerName(kExpander)), kExpander);
  EXPECT_FALSE(ParseOwnerName("enclosures/500304800175f0bf").ok());
  EXPECT_FALSE(ParseHostName(OwnerName(kExpander)).ok());
  EXPECT_FALSE(ParseEnclosureName("hosts/500605b00ab01234").ok());
}

}  // namespace
}  // namespace sasd::service
