"""The bedside gate: may this dose go into this woman, now?

Rows B01-B33 of domain.md 10.2 and 13, in their order, over the plain facts of `facts`. A row that
was not asked is pending and changes no verdict; giving needs none pending. A row that does not
apply leaves none: B08 for another's material, B09 for her own, B15 for all but PRP, B21 and B22
for arms with another window.

No row says which arm she is in, and none carries an override button: the few overrides are signed
acts made elsewhere, which come in as facts and turn the row into a warning.
"""

from lims.core.gate import Check, Gate
from lims.dosing import checks_custody as custody
from lims.dosing import checks_giving as giving
from lims.dosing import checks_identity as identity
from lims.dosing import checks_product as product
from lims.dosing import checks_time as timing
from lims.dosing.checks_time import validity
from lims.dosing.facts import BedsideFacts

__all__ = ["BEDSIDE", "validity"]

BEDSIDE: Gate[BedsideFacts] = Gate(
    "bedside",
    (
        Check("B01", identity.b01_operator),
        Check("B02", identity.b02_identity),
        Check("B03", identity.b03_status),
        Check("B04", identity.b04_consent),
        Check("B05", identity.b05_allocation),
        Check("B06", product.b06_dose),
        Check("B07", product.b07_assignment),
        Check("B08", product.b08_own_material),
        Check("B09", product.b09_donor),
        Check("B10", product.b10_product),
        Check("B11", product.b11_lot),
        Check("B12", product.b12_markers),
        Check("B13", timing.b13_expiry),
        Check("B14", timing.b14_thaw),
        Check("B15", timing.b15_prp_age),
        Check("B16", custody.b16_temperature),
        Check("B17", custody.b17_custody),
        Check("B18", product.b18_seal),
        Check("B19", product.b19_appearance),
        Check("B20", product.b20_label),
        Check("B21", timing.b21_transfer),
        Check("B22", timing.b22_cycle_day),
        Check("B23", giving.b23_volume),
        Check("B24", giving.b24_device),
        Check("B25", giving.b25_route),
        Check("B26", giving.b26_allergy),
        Check("B27", giving.b27_today),
        Check("B28", product.b28_once),
        Check("B29", identity.b29_second_person),
        Check("B30", identity.b30_complete),
        Check("B31", identity.b31_confirm),
        Check("B32", giving.b32_draw_up),
        Check("B33", giving.b33_emergency),
    ),
)
