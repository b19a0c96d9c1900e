"""The demonstration site's limits for measurements, as `studies` hands them to the rules."""

from decimal import Decimal

from lims.core.units import Quantity

LIMITS: dict[str, object] = {
    "nta.captures_min": 3,
    "nta.measured_min": Quantity("1E7", "{particles}/mL"),
    "nta.measured_max": Quantity("2E9", "{particles}/mL"),
    "nta.particles_per_frame_min": 20,
    "nta.particles_per_frame_max": 100,
    "nta.completed_tracks_warn_below": 1000,
    "nta.capture_cv_warn_at": Quantity("10", "%"),
    "nta.capture_cv_stop_above": Quantity("20", "%"),
    "nta.blank_warn_above": Quantity("5", "%"),
    "nta.blank_stop_above": Quantity("10", "%"),
    "nta.fractions": ("50-200 nm", "50-400 nm"),
    "bca.fit": "quadratic",
    "bca.wavelength": Quantity("562", "nm"),
    "bca.r2_stop_below": Decimal("0.99"),
    "bca.replicate_cv_stop_above": Quantity("15", "%"),
    "bca.back_calculated_min": Quantity("85", "%"),
    "bca.back_calculated_max": Quantity("115", "%"),
    "bca.back_calculated_levels_out_max": 2,
    "bca.replicates_min": 3,
    "bca.dilution_min": 12,
    "purity.high_above": Quantity("3E10", "{particles}/ug"),
    "purity.low_at_or_below": Quantity("2E10", "{particles}/ug"),
    "purity.low_from": Quantity("2E9", "{particles}/ug"),
    "purity.impure_below": Quantity("1.5E9", "{particles}/ug"),
}
