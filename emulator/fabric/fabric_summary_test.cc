#include "emulator/fabric/fabric_summary.h"

#include "emulator/fabric/fabric_loader.h"
#include "gtest/gtest.h"

namespace sasd::emulator {
namespace {

TEST(FabricSummaryTest, CountsWhatAFabricHas) {
  const absl::StatusOr<FabricSpec> fabric = ParseFabric(R"(
    host { id: "h" address: "500605b00ab01230" phys: 8 board: "SAS9300-8e" pci: "0000:03:00.0" }
    enclosure { id: "e" logical_id: "5000ccab03001100" slots: 4 }
    expander { id: "x" address: "5000ccab0300113f" phys: 13 enclosure: "e" ses {} }
    link { a: "h" b: "x" b_phy: 8 width: 4 }
    model { id: "m" vendor: "V" product: "P" size: "1TB" }
    model { id: "s" product: "S" size: "1TB" protocol: SATA ssd: true }
    device { id: "d0" model: "m" serial: "0" wwn: "5000c500a7b26110" slot: 0
             port { at: "x" phy: 0 } port { at: "h" phy: 7 } }
    device { id: "d1" model: "s" serial: "1" wwn: "5000c500a7b26120" slot: 1 pulled: true
             port { at: "x" phy: 1 } })",
                                                        "f");
  ASSERT_TRUE(fabric.ok()) << fabric.status();
  EXPECT_EQ(Summarize(*fabric),
            "1 host, 1 expander, 1 enclosure with 4 slots, 2 drives (1 SATA, 1 SSD, 1 with two "
            "ports, 1 pulled), 1 SES device, 4 lanes of cable\n"
            "  h: 500605b00ab01230, SAS9300-8e, MPI 2.5, 8 phys at 12 Gbps, 0000:03:00.0\n");
}

}  // namespace
}  // namespace sasd::emulator
