"""Studies are data: what a study file says, checked, and frozen for the rest of the house.

A study file (`lims/studies/protocols/*.toml`) holds the facts of one trial; `site.toml` holds the
house's own defaults. `check` names every error of a file, `load` gives a `Protocol` or refuses.
"""

from lims.studies.protocol.eligibility import (
    Eligibility,
    FieldRefused,
    Item,
    completed_years,
    judge,
    parted,
)
from lims.studies.protocol.expressions import BadExpression, Expression
from lims.studies.protocol.faults import Fault, ProtocolInvalid, Report
from lims.studies.protocol.model import (
    Allocation,
    Arm,
    Consent,
    Criterion,
    Dose,
    Field,
    LimitValue,
    Note,
    Outcome,
    Protocol,
    Site,
    Visit,
    Window,
)
from lims.studies.protocol.panels import Analyte, Panel, load_panel, panel
from lims.studies.protocol.reading import (
    check,
    demonstration_site,
    demonstration_site_text,
    load,
    load_site,
    read_file,
    shipped,
)
from lims.studies.protocol.specification import Component, Limit, SpecTest
from lims.studies.protocol.words import (
    MATERIAL_NAMES,
    PRODUCT_NAMES,
    CriterionKind,
    DonorRule,
    FieldKind,
    LimitKind,
    MechanicalRule,
    ProductKind,
    Severity,
    WindowKind,
)

__all__ = [
    "MATERIAL_NAMES",
    "PRODUCT_NAMES",
    "Allocation",
    "Analyte",
    "Arm",
    "BadExpression",
    "Component",
    "Consent",
    "Criterion",
    "CriterionKind",
    "DonorRule",
    "Dose",
    "Eligibility",
    "Expression",
    "Fault",
    "Field",
    "FieldKind",
    "FieldRefused",
    "Item",
    "Limit",
    "LimitKind",
    "LimitValue",
    "MechanicalRule",
    "Note",
    "Outcome",
    "Panel",
    "ProductKind",
    "Protocol",
    "ProtocolInvalid",
    "Report",
    "Severity",
    "Site",
    "SpecTest",
    "Visit",
    "Window",
    "WindowKind",
    "check",
    "completed_years",
    "demonstration_site",
    "demonstration_site_text",
    "judge",
    "load",
    "load_panel",
    "load_site",
    "panel",
    "parted",
    "read_file",
    "shipped",
]
