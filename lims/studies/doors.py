"""The doors of studies: every act on a trial and on a participant, by hand or by program."""

from collections.abc import Mapping
from typing import Any

from lims.core.words import Text as _
from lims.studies import enrolment, participant_doors, trial_doors
from lims.studies import schemas as of
from lims.studies.models import SubjectState
from lims.web.doors import Doors

IN = SubjectState
_HERE = (IN.SCREENING, IN.ELIGIBLE, IN.ALLOCATED)


def _to_study(answer: Mapping[str, Any]) -> str:
    return f"/studies/{answer.get('code') or answer['study']}"


def _to_her(answer: Mapping[str, Any]) -> str:
    return f"/participants/{answer['number']}"


doors = Doors("studies")
doors.act(
    "/study-files",
    trial_doors.load,
    takes=of.LoadIn,
    gives=of.StudyOut,
    name="load",
    title=_("Load a study file"),
    intro=_("The file is checked, then pinned: it cannot be changed afterwards."),
    after=_to_study,
)
doors.act(
    "/studies/<study>/units-confirmation",
    trial_doors.confirm_units,
    takes=of.SignIn,
    gives=of.StudyOut,
    name="confirm-units",
    title=_("Confirm the units of the dose"),
    intro=_("You sign that the registered figures are meant as written."),
    on="study",
    about=trial_doors.about_units,
    after=_to_study,
    order=40,
)
doors.act(
    "/studies/<study>/delegations",
    trial_doors.delegate,
    takes=of.DelegateIn,
    name="delegate",
    title=_("Delegate a person"),
    on="study",
    about=trial_doors.about_study,
    after=_to_study,
    order=50,
)
doors.act(
    "/studies/<study>/participants",
    participant_doors.register,
    takes=of.RegisterIn,
    gives=of.SubjectOut,
    name="register",
    title=_("Register a participant or donor"),
    intro=_("She gets a number. From here on everything goes by the number."),
    on="study",
    about=trial_doors.about_study,
    after=_to_her,
    said=lambda answer: _("Registered: %(number)s", number=answer["number"]),
    order=10,
)
doors.act(
    "/studies/<study>/allocation-list",
    trial_doors.import_list,
    takes=of.ListIn,
    gives=of.StudyOut,
    name="import-list",
    title=_("Import the randomisation list"),
    on="study",
    about=trial_doors.about_list,
    after=_to_study,
    order=30,
)
doors.act(
    "/participants/<number>/consents",
    participant_doors.consent,
    takes=of.consent_in,
    name="consent",
    title=_("Record her consent"),
    intro=_("Enter the signed form. Tick only what she signed for."),
    on="participant",
    when=_HERE,
    about=participant_doors.about,
    after=_to_her,
    order=10,
)
doors.act(
    "/participants/<number>/wristband",
    participant_doors.band,
    takes=of.BandIn,
    gives=of.BandOut,
    name="band",
    title=_("Print a wristband"),
    intro=_("Ask her name and birth date before you put it on."),
    on="participant",
    when=_HERE,
    about=participant_doors.about,
    after=_to_her,
    order=40,
)
doors.act(
    "/participants/<number>/eligibility",
    participant_doors.eligibility,
    takes=of.eligibility_in,
    name="eligibility",
    title=_("Judge and sign eligibility"),
    intro=_("Every criterion must be met. There are no waivers."),
    on="participant",
    when=(IN.SCREENING,),
    about=participant_doors.about,
    after=_to_her,
    order=20,
)
doors.act(
    "/participants/<number>/allocation",
    participant_doors.allocate,
    takes=of.allocation_in,
    gives=of.SubjectOut,
    name="allocate",
    title=_("Give her an arm"),
    intro=_("An arm is given once and cannot be changed."),
    on="participant",
    when=(IN.ELIGIBLE,),
    about=participant_doors.about,
    after=_to_her,
    said=lambda answer: _(
        "%(number)s is in the arm %(arm)s", number=answer["number"], arm=answer["arm"]
    ),
    order=20,
)
doors.act(
    "/participants/<number>/transfer-plan",
    participant_doors.plan_transfer,
    takes=of.PlanIn,
    gives=of.NumberOut,
    name="plan-transfer",
    title=_("Plan the embryo transfer"),
    on="participant",
    when=(IN.ALLOCATED,),
    about=participant_doors.about,
    after=_to_her,
    order=20,
)
doors.act(
    "/participants/<number>/transfer-plan/confirmation",
    participant_doors.confirm_transfer,
    gives=of.NumberOut,
    name="confirm-transfer",
    title=_("Confirm the planned transfer"),
    intro=_("The bedside asks that it was confirmed today."),
    on="participant",
    when=(IN.ALLOCATED,),
    about=participant_doors.about,
    after=_to_her,
    order=22,
)
doors.act(
    "/participants/<number>/transfer",
    participant_doors.record_transfer,
    takes=of.TransferIn,
    gives=of.NumberOut,
    name="record-transfer",
    title=_("Record the embryo transfer"),
    on="participant",
    when=(IN.ALLOCATED, IN.COMPLETED),
    about=participant_doors.about,
    after=_to_her,
    order=24,
)
doors.act(
    "/participants/<number>/cycle-day-one",
    participant_doors.cycle_day_one,
    takes=of.CycleIn,
    name="cycle-day-one",
    title=_("Record the first day of her cycle"),
    on="participant",
    when=(IN.ALLOCATED,),
    about=participant_doors.about,
    after=_to_her,
    order=20,
)
doors.act(
    "/participants/<number>/window-overrides",
    participant_doors.override,
    takes=of.OverrideIn,
    name="override",
    title=_("Allow a deviation from a time window"),
    on="participant",
    when=(IN.ALLOCATED,),
    about=participant_doors.about,
    after=_to_her,
    order=80,
)
doors.act(
    "/participants/<number>/window-overrides/second",
    participant_doors.second,
    takes=of.SecondIn,
    name="second-override",
    title=_("Second a deviation"),
    on="participant",
    when=(IN.ALLOCATED,),
    about=participant_doors.about,
    after=_to_her,
    order=81,
)
doors.act(
    "/participants/<number>/withdrawal",
    participant_doors.withdraw,
    takes=of.withdrawal_in,
    gives=of.NumberOut,
    name="withdraw",
    title=_("Record her withdrawal"),
    intro=_("All work for her stops at once."),
    on="participant",
    when=_HERE,
    about=participant_doors.about,
    after=_to_her,
    order=95,
)
doors.act(
    "/participants/<number>/erasure",
    participant_doors.erase,
    takes=of.EraseIn,
    gives=of.NumberOut,
    name="erase",
    title=_("Erase who she is"),
    intro=_("Her name and birth date are destroyed for good. Her number and the trail stay."),
    on="participant",
    when=(IN.SCREENING, IN.COMPLETED, IN.WITHDRAWN),
    about=participant_doors.about,
    after=_to_her,
    order=98,
)
doors.read("/studies", trial_doors.list_studies, name="studies", title=_("Studies"))
doors.read("/studies/<study>", trial_doors.one_study, name="study", title=_("A study"))
doors.read(
    "/studies/<study>/participants",
    participant_doors.list_participants,
    takes=of.PageIn,
    gives=of.ParticipantsOut,
    name="participants",
    title=_("The people of a study"),
)
doors.read(
    "/participants/<number>",
    participant_doors.one_participant,
    name="participant",
    title=_("A participant"),
)
doors.read(
    "/participants/<number>/identity",
    enrolment.identity,
    takes=of.PurposeIn,
    name="identity",
    title=_("Who a participant is, for an identity check; the look is written down"),
)
