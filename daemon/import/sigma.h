/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Sigma - rules of the Sigma format become policies.
 *
 * A rule describes one event: fields of a log record, values, and a condition over named groups of them. It becomes a
 * path of one step. What has no counterpart is left out in the direction that gives fewer alerts (a branch of an `or`
 * goes, a filter counts as if it were true), and said; if nothing would be left the rule is refused. So what comes out
 * never alerts where the rule would not, but for fields that have two readings (docs/IMPORT.md): there either one will
 * do.
 *
 * Every policy that comes out has been through checker and compiler. Pure: texts in, texts out. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/array.h"
#include "base/diag.h"
#include "base/hashmap.h"

struct strbuf;

#define SIGMA_MAX_FILE_BYTES ((size_t)1 << 20)
#define SIGMA_MAX_RULES 65536           /* of one run */
#define SIGMA_MAX_REASONS 64            /* kept of one rule; the others are counted */

/* Sigma compares without regard to case unless a rule says `cased`. */
enum sigma_case {
        SIGMA_CASE_FOLD,                /* as Sigma says: ASCII letters in either case */
        SIGMA_CASE_PATHS,               /* paths exactly, as Linux has them; the rest in either case */
        SIGMA_CASE_EXACT,               /* everything exactly */
};

struct sigma_options {
        enum sigma_case letters;
        bool renames;                   /* file_event: a file that is renamed to the name counts as created, too */
};

/* Why something was not carried over. */
enum sigma_class {
#define SIGMA_CLASS(id, name, doc) SIGMA_##id,
#include "import/sigma-classes.def"
        _SIGMA_CLASS_MAX,
};

struct sigma_reason {
        enum sigma_class class;
        bool is_remark;                 /* nothing is missing because of it */
        struct diag_span span;
        const char *text;               /* arena; one sentence, small first letter, no full stop */
        const char *hint;               /* arena, or NULL */
};

enum sigma_outcome {
        SIGMA_WHOLE,
        SIGMA_PART,                     /* the policy says less than the rule; the reasons say what is missing */
        SIGMA_REFUSED,                  /* no policy */
        SIGMA_FOREIGN,                  /* a rule for other systems or other logs: no policy */
};

struct sigma_rule {
        enum sigma_outcome outcome;
        struct diag_span span;          /* where it begins */
        const char *name;               /* arena; of the path, unique in the run; NULL if there is no policy */
        const char *title, *id;         /* arena; NULL if it has none */
        const char *policy;             /* arena; text of the path with comments, NULL if there is none */
        struct sigma_reason *reasons;   /* arena */
        size_t n_reasons, n_more_reasons;
};

/* One import, of any number of files. */
struct sigma_run {
        struct sigma_options options;
        struct arena arena;
        struct hashmap names;           /* of paths, to their rule's number + 1 */
        ARRAY(struct sigma_rule *) rules;       /* arena */
        size_t n_outcomes[SIGMA_FOREIGN + 1];
};

void sigma_run_init(struct sigma_run *run, const struct sigma_options *options);
void sigma_run_done(struct sigma_run *run);

/* Import all rules of one file. `name` stands in messages, and its last part without the ending names the paths. What
 * is wrong with the file (no YAML, too large) goes to the diags; what is wrong with a rule is among its reasons. 0,
 * also if rules were refused; -EBADMSG: the file could not be read to its end, rules before that place are there;
 * -ENOMEM. */
int sigma_run_file(struct sigma_run *run, const char *name, const char *text, size_t n, struct diag_set *diags);

/* What came of a rule, as messages for people: an error if it was refused, warnings for what is missing in part, notes.
 */
void sigma_rule_report(const struct sigma_rule *rule, struct diag_set *diags);

const char *sigma_class_to_string(enum sigma_class class);
const char *sigma_class_doc(enum sigma_class class);
const char *sigma_outcome_to_string(enum sigma_outcome outcome);
