/* SPDX-License-Identifier: Apache-2.0 */
#include "report/redact.h"

#include "../unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"
#include "report/redact-name.h"

static struct redactor *make(const char *const *names, size_t n_names) {
        struct redact_options options = {.names = names, .n_names = n_names};
        struct redactor *redactor = NULL;

        ck_assert_int_eq(redactor_new(&options, &redactor), 0);
        return redactor;
}

/* Arguments are written with `|` for the end of each string, so that a case fits a line; the answer comes back so, too.
 */
static void expect(enum redact_mode mode, const char *input, const char *wanted) {
        struct redactor *redactor = make(NULL, 0);
        char *text = strdup(input);
        size_t n = strlen(text);
        struct redact_spans spans;
        struct strbuf b = {};

        if (mode == REDACT_ARGUMENTS || mode == REDACT_ENVIRONMENT)
                for (size_t i = 0; i < n; i++)
                        if (text[i] == '|')
                                text[i] = 0;

        redact_find(redactor, mode, text, n, NULL, NULL, &spans);
        for (size_t i = 0; i < n;) {
                size_t end = mode == REDACT_TEXT || mode == REDACT_PATHNAME ? n : i + strnlen(text + i, n - i);

                redact_put(text, i, end, &spans, &b);
                if (end < n)
                        strbuf_put_char(&b, '|');
                i = end + 1;
        }

        if (strcmp(strbuf_str(&b), wanted) != 0)
                ck_abort_msg("of  %s\ncame %s\nnot  %s", input, strbuf_str(&b), wanted);
        strbuf_done(&b);
        free(text);
        redactor_free(redactor);
}

START_TEST(secrets_in_options_are_hidden) {
        static const char *const cases[][2] = {
                {"app|--password=hunter2|", "app|--password=[redacted]|"},
                {"app|--password=correct horse|battery|", "app|--password=[redacted]|battery|"},
                {"app|--password=a&b,c;d|x|", "app|--password=[redacted]|x|"},
                {"app|--password|hunter2|run|", "app|--password|[redacted]|run|"},
                {"app|--Password|hunter2|", "app|--Password|[redacted]|"},
                {"app|-password|hunter2|", "app|-password|[redacted]|"},
                {"app|--db-password=x|", "app|--db-password=[redacted]|"},
                {"app|--client-secret|abc|", "app|--client-secret|[redacted]|"},
                {"app|--token|-looks-like-a-flag|", "app|--token|[redacted]|"},
                {"app|--api-key|k|--verbose|", "app|--api-key|[redacted]|--verbose|"},
                {"app|--access_key=k|", "app|--access_key=[redacted]|"},
                {"keytool|-storepass|changeit|-keypass|p2|", "keytool|-storepass|[redacted]|-keypass|[redacted]|"},
                {"java|-Djavax.net.ssl.keyStorePassword=changeit|Main|",
                 "java|-Djavax.net.ssl.keyStorePassword=[redacted]|Main|"},
                {"openssl|enc|-pass|pass:hunter2|", "openssl|enc|-pass|[redacted]|"},
                {"openssl|rsa|-passin|pass:hunter2|-in|f|", "openssl|rsa|-passin|pass:[redacted]|-in|f|"},
                {"gpg|--passphrase|p|-d|x|", "gpg|--passphrase|[redacted]|-d|x|"},
                {"kubectl|--token=eyJhbGciOiJSUzI1NiIsImtpZCI6IjEyMyJ9.e30.sig|get|pods|",
                 "kubectl|--token=[redacted]|get|pods|"},
                {"wget|--http-password=p w|u|", "wget|--http-password=[redacted]|u|"},
                {"curl|--oauth2-bearer|abcdefgh|u|", "curl|--oauth2-bearer|[redacted]|u|"},
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                expect(REDACT_ARGUMENTS, cases[i][0], cases[i][1]);
}
END_TEST

START_TEST(secrets_of_known_tools_are_hidden) {
        static const char *const cases[][2] = {
                {"mysql|-uroot|-phunter2|db|", "mysql|-uroot|-p[redacted]|db|"},
                {"/usr/bin/mysqldump|-phunter2|db|", "/usr/bin/mysqldump|-p[redacted]|db|"},
                {"sudo|-u|db|mariadb|-pX|", "sudo|-u|db|mariadb|-p[redacted]|"},
                {"docker|exec|c1|mysql|-pX|", "docker|exec|c1|mysql|-p[redacted]|"},
                {"sh|-c|mysql -uroot -phunter2 < dump.sql|", "sh|-c|mysql -uroot -p[redacted] < dump.sql|"},
                {"sh|-c|cd /x && mysql -p'hun ter2' db; mkdir -p a|",
                 "sh|-c|cd /x && mysql -p[redacted] db; mkdir -p a|"},
                {"sshpass|-p|hunter2|ssh|-p|22|h|", "sshpass|-p|[redacted]|ssh|-p|22|h|"},
                {"sshpass|-phunter2|ssh|h|", "sshpass|-p[redacted]|ssh|h|"},
                {"docker|login|-u|me|-p|hunter2|reg|", "docker|login|-u|me|-p|[redacted]|reg|"},
                {"curl|-u|me:hunter2|https://h/|", "curl|-u|me:[redacted]|https://h/|"},
                {"curl|-ume:hunter2|https://h/|", "curl|-ume:[redacted]|https://h/|"},
                {"curl|--user=me:hunter2|u|", "curl|--user=me:[redacted]|u|"},
                {"curl|--proxy-user|me:hunter2|u|", "curl|--proxy-user|me:[redacted]|u|"},
                {"curl|-b|sid=hunter2|u|", "curl|-b|sid=[redacted]|u|"},
                {"redis-cli|-h|h|-a|hunter2|get|k|", "redis-cli|-h|h|-a|[redacted]|get|k|"},
                {"ldapsearch|-D|cn=a|-w|hunter2|", "ldapsearch|-D|cn=a|-w|[redacted]|"},
                {"zip|-P|hunter2|a.zip|f|", "zip|-P|[redacted]|a.zip|f|"},
                {"7z|a|-phunter2|a.7z|", "7z|a|-p[redacted]|a.7z|"},
                {"smbclient|//h/s|-U|dom/me%hunter2|", "smbclient|//h/s|-U|dom/me%[redacted]|"},
                {"lftp|-u|me,hunter2|h|", "lftp|-u|me,[redacted]|h|"},
                {"nmcli|dev|wifi|connect|net1|password|hunter2|", "nmcli|dev|wifi|connect|net1|password|[redacted]|"},
                {"aws|configure|set|aws_secret_access_key|abc/def|",
                 "aws|configure|set|aws_secret_access_key|[redacted]|"},
                {"xfreerdp|/u:me|/p:hunter2|/v:h|", "xfreerdp|/u:me|/p:[redacted]|/v:h|"},
                {"usermod|-p|$6$abc|bob|", "usermod|-p|[redacted]|bob|"},
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                expect(REDACT_ARGUMENTS, cases[i][0], cases[i][1]);
}
END_TEST

START_TEST(secrets_in_assignments_headers_and_urls_are_hidden) {
        static const char *const cases[][2] = {
                {"env|PGPASSWORD=hunter2|psql|", "env|PGPASSWORD=[redacted]|psql|"},
                {"sh|-c|DB_PASS=hunter2 ./run --fast|", "sh|-c|DB_PASS=[redacted] ./run --fast|"},
                {"sh|-c|export API_KEY='a b c' x|", "sh|-c|export API_KEY='[redacted]' x|"},
                {"sh|-c|app --password hunter2 --run|", "sh|-c|app --password [redacted] --run|"},
                {"sh|-c|app --password hunter2; rm x|", "sh|-c|app --password [redacted]; rm x|"},
                {"sh|-c|app --password \"hun ter\" --run|", "sh|-c|app --password \"[redacted]\" --run|"},
                {"curl|-H|Authorization: Bearer abc.def|u|", "curl|-H|Authorization: Bearer [redacted]|u|"},
                {"curl|-H|authorization: Basic dXNlcjpwYXNz|u|", "curl|-H|authorization: Basic [redacted]|u|"},
                {"curl|-H|X-Api-Key: abc|u|", "curl|-H|X-Api-Key: [redacted]|u|"},
                {"curl|-H|Cookie: a=b; c=d|u|", "curl|-H|Cookie: [redacted]|u|"},
                {"curl|-d|{\"user\":\"me\",\"password\":\"hun\\\"ter\"}|u|",
                 "curl|-d|{\"user\":\"me\",\"password\":\"[redacted]\"}|u|"},
                {"sh|-c|echo \"{\\\"token\\\": \\\"abc\\\"}\"|", "sh|-c|echo \"{\\\"token\\\": \\\"[redacted]\\\"}\"|"},
                {"curl|-d|user=me&password=hunter2&go=1|u|", "curl|-d|user=me&password=[redacted]&go=1|u|"},
                {"curl|https://me:hunter2@h.example/p?x=1|", "curl|https://me:[redacted]@h.example/p?x=1|"},
                {"git|clone|https://ghp_0123456789abcdefghij0123@github.com/a/b|",
                 "git|clone|https://[redacted]@github.com/a/b|"},
                {"psql|postgresql://u:p@ss@db/x|", "psql|postgresql://u:[redacted]@db/x|"},
                {"mount|-o|username=me,password=hunter2,vers=3|//h/s|",
                 "mount|-o|username=me,password=[redacted],vers=3|//h/s|"},
                {"isql|Server=h;Uid=me;Pwd=hunter2;Database=d|", "isql|Server=h;Uid=me;Pwd=[redacted];Database=d|"},
                {"aws|s3|ls|AKIAIOSFODNN7EXAMPLE|", "aws|s3|ls|[redacted]|"},
                {"x|xoxb-123456789012-abcdef|", "x|[redacted]|"},
                {"psql|-c|ALTER USER bob PASSWORD 'hunter2'|", "psql|-c|ALTER USER bob PASSWORD '[redacted]'|"},
                {"mysql|-e|create user bob identified by 'hunter2'|",
                 "mysql|-e|create user bob identified by '[redacted]'|"},
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                expect(REDACT_ARGUMENTS, cases[i][0], cases[i][1]);
}
END_TEST

START_TEST(what_only_looks_like_a_secret_stays) {
        static const char *const cases[] = {
                "ssh|-p|22|me@h|",
                "mkdir|-p|/tmp/x|",
                "cp|-p|a|b|",
                "nc|-l|-p|4444|",
                "docker|run|-p|80:80|nginx:1.25@sha256:0123456789abcdef|",
                "mysql|-p|mydb|",
                "mysql|--password|-h|h|",
                "cat|/etc/passwd|/etc/shadow|",
                "grep|-i|password|/var/log/auth.log|",
                "grep|password 'file'|",
                "ls|/etc/passwd: No such file|",
                "app|--password-file|/run/secrets/db|",
                "app|--password-file=/run/secrets/db|",
                "docker|login|--password-stdin|",
                "app|--token-type=bearer|",
                "app|--passphrase-fd|3|",
                "app|--max-tokens=100|",
                "app|--bypass=yes|",
                "app|--compass=north|",
                "env|PWD=/root|OLDPWD=/tmp|run|",
                "app|--key|/etc/ssl/key.pem|",
                "openssl|req|-keyout|k.pem|-key|f|",
                "git|clone|git@github.com:a/b.git|",
                "git|clone|ssh://git@github.com/a/b.git|",
                "curl|http://[::1]:8080/x@y|",
                "curl|-u|me|https://h:8443/|",
                "curl|-b|cookies.txt|u|",
                "secret-tool|lookup|x|y|",
                "pass|show|mail|",
                "passwd|bob|",
                "x|a::b|token::kind|std::secret::x|",
                "eyJ|AKIA|AKIAshort|ghp_x|sk-learn|",
                "app|bearer of bad news|",
                "sudo|-u|postgres|psql|-c|select 1|",
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                expect(REDACT_ARGUMENTS, cases[i], cases[i]);
}
END_TEST

START_TEST(text_and_environment_are_read_as_such) {
        expect(REDACT_TEXT, "db:\n  password: hunter2\n  host: h\n", "db:\n  password: [redacted]\n  host: h\n");
        expect(REDACT_TEXT, "aws_secret_access_key = wJalrXUtnFEMI/K7\nregion = x\n",
               "aws_secret_access_key = [redacted]\nregion = x\n");
        expect(REDACT_TEXT, "-----BEGIN RSA PRIVATE KEY-----\nMIIE\nabc\n-----END RSA PRIVATE KEY-----\n",
               "-----BEGIN RSA PRIVATE KEY-----[redacted]-----END RSA PRIVATE KEY-----\n");
        expect(REDACT_TEXT, "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl",
               "-----BEGIN OPENSSH PRIVATE KEY-----[redacted]");
        expect(REDACT_TEXT, "-----BEGIN CERTIFICATE-----\nMIIE\n", "-----BEGIN CERTIFICATE-----\nMIIE\n");
        expect(REDACT_TEXT, "password", "password");
        expect(REDACT_TEXT, "password=", "password=");
        expect(REDACT_TEXT, "password: ", "password: ");
        expect(REDACT_TEXT, "root:x:0:0:root:/root:/bin/bash\n", "root:x:0:0:root:/root:/bin/bash\n");
        expect(REDACT_TEXT, "\"password", "\"password");
        expect(REDACT_TEXT, "password=\"", "password=\"");
        expect(REDACT_TEXT, "password=\\", "password=[redacted]");
        expect(REDACT_ENVIRONMENT, "HOME=/root|MY_TOKEN=a b;c|LANG=C|", "HOME=/root|MY_TOKEN=[redacted]|LANG=C|");
}
END_TEST

START_TEST(paths_stay_evidence) {
        expect(REDACT_PATHNAME, "/etc/passwd", "/etc/passwd");
        expect(REDACT_PATHNAME, "/srv/password=1/token:2", "/srv/password=1/token:2");
        expect(REDACT_PATHNAME, "/tmp/index.html?token=abc", "/tmp/index.html?token=[redacted]");
        expect(REDACT_PATHNAME, "/tmp/AKIAIOSFODNN7EXAMPLE.txt", "/tmp/[redacted]");
}
END_TEST

START_TEST(a_secret_once_seen_is_hidden_where_it_stands_alone) {
        struct redactor *redactor = make(NULL, 0);
        static const char arguments[] = "app\0--password\0hunter2\0--pass\0abc\0";
        static const char other[] = "xhunter2y";
        struct redact_memory memory = {};
        struct redact_spans spans;
        struct strbuf b = {};

        redact_find(redactor, REDACT_ARGUMENTS, arguments, sizeof(arguments) - 1, NULL, NULL, &spans);
        redact_remember(&memory, arguments, &spans);
        ck_assert_uint_eq(memory.n, 2);

        redact_find(redactor, REDACT_TEXT, other, sizeof(other) - 1, &memory, NULL, &spans);
        redact_put(other, 0, sizeof(other) - 1, &spans, &b);
        ck_assert_str_eq(strbuf_str(&b), "x[redacted]y");

        /* Short ones only as a whole: `abc` is part of too much. */
        strbuf_clear(&b);
        redact_find(redactor, REDACT_TEXT, "abcabc", 6, &memory, NULL, &spans);
        ck_assert_uint_eq(spans.n, 0);
        redact_find(redactor, REDACT_TEXT, "abc", 3, &memory, NULL, &spans);
        ck_assert_uint_eq(spans.n, 1);

        /* And never in a path. */
        redact_find(redactor, REDACT_PATHNAME, "/home/hunter2", 13, &memory, NULL, &spans);
        ck_assert_uint_eq(spans.n, 0);

        strbuf_done(&b);
        redactor_free(redactor);
}
END_TEST

START_TEST(more_secrets_than_fit_hide_the_rest) {
        struct redactor *redactor = make(NULL, 0);
        struct redact_spans spans;
        struct strbuf text = {}, b = {};

        for (int i = 0; i < 1000; i++)
                strbuf_printf(&text, "x password=hunter%04d\n", i);
        redact_find(redactor, REDACT_TEXT, text.data, text.n, NULL, NULL, &spans);
        ck_assert_uint_le(spans.n, REDACT_MAX_SPANS);
        ck_assert_uint_eq(spans.items[spans.n - 1].end, text.n);

        redact_put(text.data, 0, text.n, &spans, &b);
        ck_assert_ptr_null(strstr(strbuf_str(&b), "hunter"));

        strbuf_done(&b);
        strbuf_done(&text);
        redactor_free(redactor);
}
END_TEST

START_TEST(names_of_the_operator_are_hidden_too) {
        static const char *const names[] = {"*_pin", "internalcode"};
        struct redactor *redactor = make(names, 2);
        static const char text[] = "a --card-pin=1 CARD_PIN=4711 InternalCode: xyz spin=1";
        struct redact_spans spans;
        struct strbuf b = {};

        redact_find(redactor, REDACT_TEXT, text, sizeof(text) - 1, NULL, NULL, &spans);
        redact_put(text, 0, sizeof(text) - 1, &spans, &b);
        ck_assert_str_eq(strbuf_str(&b), "a --card-pin=1 CARD_PIN=[redacted] InternalCode: [redacted] spin=1");

        strbuf_done(&b);
        redactor_free(redactor);
}
END_TEST

START_TEST(switched_off_shows_everything) {
        struct redact_options options = {.disabled = true};
        struct redactor *redactor = NULL;
        struct redact_spans spans;

        ck_assert_int_eq(redactor_new(&options, &redactor), 0);
        redact_find(redactor, REDACT_TEXT, "password=hunter2", 16, NULL, NULL, &spans);
        ck_assert_uint_eq(spans.n, 0);
        redactor_free(redactor);
}
END_TEST

START_TEST(random_bytes_give_spans_in_order_and_in_range) {
        static const char *const parts[] = {"password", "=",     ":",           " ",          "\"",    "'",
                                            "\\",       "|",     "--token",     "://",        "a:b@c", "Bearer ",
                                            "eyJ",      "mysql", "-p",          "\n",         "\xff",  "Authorization",
                                            "AKIA",     "x",     "-----BEGIN ", "PRIVATE KEY"};
        struct redactor *redactor = make(NULL, 0);
        unsigned seed = 1;

        for (int round = 0; round < 20000; round++) {
                struct redact_spans spans;
                struct strbuf b = {};
                size_t last = 0;

                for (int i = 0, n = rand_r(&seed) % 24; i < n; i++)
                        strbuf_put(&b, parts[rand_r(&seed) % ELEMENTSOF(parts)]);
                for (size_t i = 0; i < b.n; i++)
                        if (b.data[i] == '|')
                                b.data[i] = 0;

                /* A copy of the exact size: the sanitizer sees a read behind it. */
                char *exact = malloc(b.n + 1);
                memcpy(exact, b.n ? b.data : "", b.n);
                redact_find(redactor, (enum redact_mode)(rand_r(&seed) % 4), exact, b.n, NULL, NULL, &spans);
                for (size_t i = 0; i < spans.n; i++) {
                        ck_assert_uint_ge(spans.items[i].start, last);
                        ck_assert_uint_gt(spans.items[i].end, spans.items[i].start);
                        last = spans.items[i].end;
                }
                ck_assert_uint_le(last, b.n);
                free(exact);
                strbuf_done(&b);
        }

        redactor_free(redactor);
}
END_TEST

static int make_once(void *userdata) {
        static const char *const names[] = {"a", "b"};
        struct redact_options options = {.names = names, .n_names = 2};
        struct redactor *redactor = NULL;
        int r = redactor_new(&options, &redactor);

        redactor_free(redactor);
        return r;
}

START_TEST(out_of_memory_fails_whole) {
        ck_assert_uint_ge(alloc_fail_sweep(make_once, NULL), 4);
}
END_TEST

UNIT_MAIN("report/redact", secrets_in_options_are_hidden, secrets_of_known_tools_are_hidden,
          secrets_in_assignments_headers_and_urls_are_hidden, what_only_looks_like_a_secret_stays,
          text_and_environment_are_read_as_such, paths_stay_evidence,
          a_secret_once_seen_is_hidden_where_it_stands_alone, more_secrets_than_fit_hide_the_rest,
          names_of_the_operator_are_hidden_too, switched_off_shows_everything,
          random_bytes_give_spans_in_order_and_in_range, out_of_memory_fails_whole)
