"""Domains about people in a role: patients, students, and the jobs that are offered to them."""

# ruff: noqa: E501 - a table of phrases; breaking its lines would break the phrases
# fmt: off

from __future__ import annotations

from ..domain import Domain, make_domain
from ..domain import make_field as f
from ..values import (
    bool_kind,
    choice_kind,
    choices_list,
    date_kind,
    enum_kind,
    int_kind,
    money_kind,
    num_kind,
    text_kind,
    year_kind,
)
from .people import (
    AGE,
    BORN,
    CITY,
    CITY_FIELD,
    CODE,
    COMPANY_FIELD,
    EMAIL,
    GENDER,
    HEIGHT,
    HOBBIES,
    LANGUAGES,
    NAME,
    NATION,
    PHONE_FIELD,
    SKILLS,
    WEIGHT,
)

PATIENT = make_domain("patient", "patient|case", "name", """
    {name}
    [The patient|Patient|Patient:] {name}
    [Mr|Mrs|Ms] {name}
    """, "He|She|The patient", """
    {name}, {age}, [was seen|came in|presented] [with|complaining of] {symptoms} on {visit date}
    [Patient|The patient] {name} ({age}) was [admitted|examined] on {visit date}
    {doctor} [saw|examined|treated] {name} on {visit date} [for|because of] {diagnosis}
    A {age}-year-old patient, {name}, [has|reports|suffers from] {symptoms}
    {name} was diagnosed with {diagnosis} by {doctor}
    """, [
    f("name|patient name|patient|full name", NAME, "The patient is {v}\nThe name of the patient is {v}", "{v}"),
    AGE, BORN, GENDER, WEIGHT, HEIGHT, PHONE_FIELD,
    f("symptoms|complaints|signs", choices_list(
        "headache|fever|cough|nausea|back pain|dizziness|fatigue|sore throat|chest pain|rash|insomnia|joint pain|"
        "shortness of breath|stomach ache|vomiting|blurred vision"), """
    {S} [complains of|reports|suffers from|has|describes] {v}
    [Symptoms|Complaints] [are|include] {v}
    {S} came [in |]because of {v}
    {S} has had {v} for [days|two weeks]
    """, "with {v}"),
    f("diagnosis|condition|disease|finding", choice_kind(
        "migraine|type 2 diabetes|asthma|bronchitis|influenza|hypertension|pneumonia|a sprained ankle|tonsillitis|anemia|"
        "gastritis|arthritis|a broken wrist|sinusitis|food poisoning|eczema"), """
    The diagnosis is {v}
    {S} was diagnosed with {v}
    The doctor [found|suspects|diagnosed] {v}
    Tests [showed|confirmed|point to] {v}
    It [turned out to be|looks like] {v}
    """, "diagnosis {v}"),
    f("doctor|physician|attending physician|seen by|doctor name", text_kind(lambda w: "Dr. " + w.last_name()), """
    {v} [saw|examined|treats] {S}
    {S} was [seen|treated|examined] by {v}
    The [doctor|attending physician] is {v}
    {S} is under the care of {v}
    """, "{v}"),
    f("visit date|date|admission date|appointment date|date of visit", date_kind(2010, 2029), """
    {S} [came|was admitted|was seen] on {v}
    The [visit|appointment] [was|is] on {v}
    The date [of the visit |]is {v}
    """, "{v}|on {v}"),
    f("medication|medications|drugs|prescriptions|medicines", choices_list(
        "ibuprofen|paracetamol|aspirin|metformin|amoxicillin|insulin|lisinopril|omeprazole|salbutamol|vitamin D"), """
    {S} [takes|was given|was prescribed|is on] {v}
    [The prescription|Medication] is {v}
    {S} should take {v}
    """, "takes {v}"),
    f("dose|dosage|dose in mg|dose mg", int_kind(5, 1000), """
    The [dose|dosage] is {v} mg
    {S} takes {v} mg [a day|daily|]
    [Give|Take] {v} [mg|milligrams]
    """, "{v} mg"),
    f("temperature|body temperature|temp|fever", num_kind(35.5, 41, 1), """
    {S} has a temperature of {v} [°C|degrees|C]
    The [body |]temperature [is|was] {v} °C
    {S} runs a fever of {v}
    """, "{v} °C"),
    f("blood type|blood group", enum_kind(A="A", B="B", AB="AB", O="O"), """
    The blood [type|group] is {v}
    {S} has blood [type|group] {v}
    """, "blood type {v}"),
    f("allergies|allergic to|known allergies", choices_list("penicillin|nuts|pollen|latex|shellfish|dust|milk|eggs|wasps"), """
    {S} is allergic to {v}
    {S} [cannot tolerate|reacts badly to] {v}
    [Known |]allergies: {v}
    """, "allergic to {v}"),
    f("insured|has insurance|is insured", bool_kind(), "", "", """
    {S} [is insured|has health insurance]
    The insurance covers {S}
    {S} has full coverage
    """, """
    {S} [is not insured|has no insurance|is uninsured]
    There is no insurance
    {S} pays out of pocket
    """),
    f("emergency|is emergency|urgent", bool_kind(), "", "", """
    It is an emergency
    This is [urgent|an urgent case]
    {S} needs help at once
    """, """
    It is not [an emergency|urgent]
    There is no hurry
    This is a routine case
    """),
], {"vitals": "temperature|weight|height", "treatment": "medication|dose", "visit": "visit date|doctor|diagnosis"}, person=True)

STUDENT = make_domain("student", "student|pupil|learner|graduate", "name", """
    {name}
    {name}
    [The student|Student|Pupil] {name}
    """, "He|She|The student", """
    {name} [studies|is studying|reads] {major} at {university}
    {name} [graduated|will graduate] from {university} in {graduation year} [with a degree in {major}|]
    {name} [enrolled|started] at {university} and has a GPA of {gpa}
    {name}, a student of {major}, is {age}
    Student {name} (no. {student id}) [got|received] the grade {grade} in {major}
    """, [
    f("name|student name|student|full name", NAME, "The student is [called |]{v}", "{v}"),
    AGE, EMAIL, CITY_FIELD, LANGUAGES, HOBBIES, NATION,
    f("university|school|college|institution", text_kind(lambda w: w.choose(["University of ", "", ""]) + w.draw("city") + w.choose([
        " University", " College", " Institute of Technology", " Academy", " High School"])), """
    {S} [goes to|attends|is enrolled at|studies at] {v}
    The [school|university|college] is {v}
    {S} [graduated|comes] from {v}
    """, "{v}|at {v}"),
    f("major|subject|field of study|course of study|degree program|studies", choice_kind(
        "physics|biology|law|economics|computer science|history|mathematics|philosophy|medicine|linguistics|chemistry|"
        "art history|mechanical engineering|political science|music|architecture|psychology|nursing"), """
    {S} [studies|majors in|reads|is studying|learns] {v}
    The [major|subject|course] is {v}
    {S} [wants|plans] to finish {v}
    {S} chose {v}
    """, "{v}"),
    f("gpa|average grade|grade point average|average", num_kind(1, 4, 2), """
    {S} has a GPA of {v}
    The [GPA|average grade|grade point average] is {v}
    {S} [averages|scored an average of] {v}
    """, "GPA {v}"),
    f("grade|mark|final grade", enum_kind(A="A", B="B", C="C", D="D", F="F"), """
    {S} [got|received|earned] [a|an|the grade] {v}
    The [final |]grade is {v}
    {S} [passed|finished] with [a|an] {v}
    """, "grade {v}"),
    f("graduation year|year of graduation|class of|graduated|graduates in", year_kind(), """
    {S} [graduated|will graduate|finished] in {v}
    {S} is in the class of {v}
    Graduation [was|is] in {v}
    """, "class of {v}"),
    f("student id|student number|matriculation number|id", CODE, """
    The [student|matriculation] [number|ID] is {v}
    {S} has student number {v}
    """, "no. {v}"),
    f("credits|credit points|ects|points", int_kind(0, 240), """
    {S} has [earned|collected|] {v} [credits|credit points|points]
    {v} credits are [done|complete]
    """, "{v} credits"),
    f("semester|term|current semester", int_kind(1, 12), """
    {S} is in semester {v}
    {S} has been studying for {v} [semesters|terms]
    """, "semester {v}"),
    f("scholarship|has scholarship|scholarship holder", bool_kind(), "", "", """
    {S} [has|won|receives|holds] a scholarship
    A scholarship pays for everything
    """, """
    {S} [has no|does not have a|gets no] scholarship
    {S} did not get the scholarship
    There is no scholarship
    """),
    f("courses|classes|subjects|modules", choices_list(
        "Algebra|World History|Organic Chemistry|Microeconomics|Drawing|Statistics|Creative Writing|Databases|Ethics|"
        "Spanish II|Machine Learning|Biology 101|Public Law"), """
    {S} [takes|attends|signed up for|is taking] {v}
    The [courses|classes] are {v}
    This [term|year] it is {v}
    """, "courses: {v}"),
], {"education": "university|major|graduation year|gpa", "contact": "email|city", "result": "grade|credits|gpa"}, person=True)

JOB_POST = make_domain("job post", "job|job post|vacancy|opening|position|offer", "title", """
    The [job|position|vacancy|role] {title}
    [The opening|Our opening] for {title}
    """, "The job|The position|It|The role", """
    {company} [is looking for|is hiring|seeks|needs|wants] [a|an] {title} in {city}
    [We are hiring|We're hiring|Now hiring]: {title} at {company} in {city}
    {company} ({city}) [has an opening|has a vacancy] for [a|an] {title}
    [a|an] {title} is wanted [by|at] {company}, salary {salary}
    [Join|Come and work for] {company} as [a|an] {title}. [The pay|The salary] is {salary} per year
    {title} wanted in {city}! [Apply by|Deadline] {deadline}
    [Apply|Apply now] for the {title} [position|role|job] at {company} by {deadline}
    Vacancy at {company}: {title}, {salary}, {city}
    """, [
    f("title|job title|position|role|job|vacancy", text_kind(lambda w: w.draw("job") if w.source.random() < 0.5 else w.draw("job").title()), """
    The [position|role|job title|vacancy] is {v}
    [We|They] [need|want|seek|hire] [a|an] {v}
    You will work as [a|an] {v}
    Wanted: {v}
    """, "{v}"),
    COMPANY_FIELD, f("city|location|place|work location|office", CITY, """
    The [job|position|office] is [based |located |]in {v}
    The [location|place of work] is {v}
    You will work in {v}
    Our office is in {v}
    The role requires living near {v}
    """, "{v}|in {v}"),
    f("salary|pay|annual salary|compensation|wage", money_kind(15000, 200000), """
    The [salary|pay|compensation] is {v}
    [We|They] [pay|offer] {v} [per year|a year|annually|]
    It pays {v}
    You [earn|get] {v}
    Compensation: {v}
    """, "{v}"),
    SKILLS,
    f("deadline|apply by|closing date|application deadline|application date", date_kind(2020, 2030), """
    [Apply|Send your application] [by|before|until] {v}
    The [deadline|closing date] is {v}
    Applications close on {v}
    The offer [stands|is open] until {v}
    """, "by {v}|until {v}"),
    f("years of experience|experience|minimum experience|experience years|required experience", int_kind(0, 15), """
    [You need|We expect|We ask for|It takes] [at least |]{v} years of experience
    [Candidates|Applicants] should have {v} years [behind them|of experience]
    Minimum experience is {v} years
    {v}+ years of experience [required|preferred]
    """, "{v} years experience"),
    f("remote|is remote|remote possible|work from home|remote work", bool_kind(), "", "", """
    [Remote work|Home office] is [possible|welcome|fine|allowed]
    The [job|position] is [fully |]remote
    You can work from [home|anywhere]
    Work from wherever you like
    """, """
    [Remote work|Home office] is not [possible|allowed]
    The job is on site [only|]
    You [must|have to] come to the office
    No remote work
    """),
    f("employment type|type|contract type|job type", enum_kind(full_time="full-time|full time", part_time="part-time|half days",
      contract="as a contractor|project-based", internship="for interns|a trainee post"), """
    The [job|position] is {v}
    The [type|contract] is {v}
    We offer this role {v}
    """, "{v}"),
    f("seniority|level|experience level", enum_kind(junior="entry-level|for beginners", mid="mid-level|intermediate",
      senior="experienced|for veterans", executive="top management|C-level"), """
    The [level|seniority] is {v}
    We look for someone {v}
    The role is {v}
    """, "{v}"),
    f("benefits|perks|extras", choices_list("free lunch|gym|company car|stock options|health insurance|free coffee|"
      "flexible hours|training budget|public transport ticket|pension plan"), """
    [Benefits|Perks] [include|are] {v}
    [We|They] offer {v}
    You [get|enjoy] {v}
    """, "benefits: {v}"),
    EMAIL, f("openings|number of openings|positions|headcount|vacancies", int_kind(1, 30), """
    There are {v} [openings|vacancies|positions]
    [We|They] hire {v} people
    {v} places are open
    """, "{v} openings"),
    f("reference|job id|ref|reference number|posting id", CODE, """
    The reference is {v}
    [Quote|Mention|Use] [reference |job ID ]{v}
    """, "ref. {v}"),
], {"requirements": "skills|years of experience|seniority", "offer": "salary|benefits|remote", "contact": "email|reference"})

ROLES: list[Domain] = [PATIENT, STUDENT, JOB_POST]
