/* SPDX-License-Identifier: Apache-2.0 */
#include "action/post.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#ifndef EXECRAY_NO_WEBHOOKS
#include <curl/curl.h>
#endif

#include "base/macro.h"
#include "base/sandbox.h"

#define NOBODY 65534
#define CPU_SECONDS 10

void post_become_small(int *fd) {
        const struct rlimit cpu = {CPU_SECONDS, CPU_SECONDS + 1}, none = {};
        int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        sigset_t all;

        /* Standard input is the way to the daemon. */
        if (*fd != STDIN_FILENO && (null_fd < 0 || dup2(null_fd, STDIN_FILENO) < 0))
                (void)close(STDIN_FILENO);
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        sigemptyset(&all);
        (void)sigprocmask(SIG_SETMASK, &all, NULL);
        if (*fd != 3 && dup2(*fd, 3) == 3)
                *fd = 3;
        if (*fd == 3)
                (void)close_range(4, UINT32_MAX, 0);
        (void)setrlimit(RLIMIT_CPU, &cpu);
        (void)setrlimit(RLIMIT_CORE, &none);
        (void)setrlimit(RLIMIT_FSIZE, &none);
        (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        (void)sandbox_drop(NOBODY, NULL);
}

#ifndef EXECRAY_NO_WEBHOOKS

struct library {
        __typeof__(&curl_easy_init) init;
        __typeof__(&(curl_easy_setopt)) setopt;
        __typeof__(&curl_easy_perform) perform;
        __typeof__(&(curl_easy_getinfo)) getinfo;
        __typeof__(&curl_easy_strerror) strerror;
        __typeof__(&curl_slist_append) append;
};

static bool load(struct library *ret) {
        static const char *const names[] = {"libcurl.so.4", "libcurl-gnutls.so.4"};
        void *handle = NULL;

        for (size_t i = 0; !handle && i < ELEMENTSOF(names); i++)
                handle = dlopen(names[i], RTLD_NOW);
        if (!handle)
                return false;
        *(void **)&ret->init = dlsym(handle, "curl_easy_init");
        *(void **)&ret->setopt = dlsym(handle, "curl_easy_setopt");
        *(void **)&ret->perform = dlsym(handle, "curl_easy_perform");
        *(void **)&ret->getinfo = dlsym(handle, "curl_easy_getinfo");
        *(void **)&ret->strerror = dlsym(handle, "curl_easy_strerror");
        *(void **)&ret->append = dlsym(handle, "curl_slist_append");
        return ret->init && ret->setopt && ret->perform && ret->getinfo && ret->strerror && ret->append;
}

/* What the other side says beside the status is nobody's business here. */
static size_t ignore(char *bytes, size_t size, size_t n, void *userdata) {
        return size * n;
}

static CURLcode set_all(const struct library *curl, CURL *handle, const struct post_request *request) {
        struct curl_slist *headers;
        char type[192];
        CURLcode r;

        snprintf(type, sizeof(type), "Content-Type: %s", request->type);
        headers = curl->append(NULL, type);
        headers = headers ? curl->append(headers, "Expect:") : NULL;
        if (!headers)
                return CURLE_OUT_OF_MEMORY;

#define SET(option, value) \
        do { \
                r = curl->setopt(handle, option, value); \
                if (r != CURLE_OK) \
                        return r; \
        } while (0)
        SET(CURLOPT_URL, request->url);
        SET(CURLOPT_PROTOCOLS_STR, "http,https");
        SET(CURLOPT_FOLLOWLOCATION, 0L);
        SET(CURLOPT_SSL_VERIFYPEER, 1L);
        SET(CURLOPT_SSL_VERIFYHOST, 2L);
        SET(CURLOPT_NOSIGNAL, 1L);
        SET(CURLOPT_TIMEOUT_MS, request->timeout_ms);
        SET(CURLOPT_CONNECTTIMEOUT_MS, request->timeout_ms / 2);
        SET(CURLOPT_USERAGENT, "execrayd/" EXECRAY_VERSION);
        SET(CURLOPT_HTTPHEADER, headers);
        SET(CURLOPT_WRITEFUNCTION, ignore);
        SET(CURLOPT_POSTFIELDSIZE, (long)request->body_length);
        SET(CURLOPT_POSTFIELDS, request->body);
#undef SET
        return CURLE_OK;
}

/* What a network that is down for a moment looks like; a certificate that is wrong stays wrong. */
static bool may_pass(CURLcode error) {
        return error == CURLE_COULDNT_RESOLVE_HOST || error == CURLE_COULDNT_RESOLVE_PROXY ||
               error == CURLE_COULDNT_CONNECT || error == CURLE_OPERATION_TIMEDOUT || error == CURLE_GOT_NOTHING ||
               error == CURLE_SEND_ERROR || error == CURLE_RECV_ERROR || error == CURLE_PARTIAL_FILE;
}

void post_send(const struct post_request *request, struct post_answer *ret) {
        struct library curl;
        long status = 0;
        CURL *handle;
        CURLcode r;

        *ret = (struct post_answer){};
        if (!load(&curl)) {
                snprintf(ret->text, sizeof(ret->text), "libcurl is not installed (package libcurl4)");
                return;
        }
        /* The process ends with it: nothing is given back. */
        handle = curl.init();
        r = handle ? set_all(&curl, handle, request) : CURLE_FAILED_INIT;
        if (r == CURLE_OK)
                r = curl.perform(handle);
        if (r != CURLE_OK) {
                ret->again = may_pass(r);
                snprintf(ret->text, sizeof(ret->text), "%s", curl.strerror(r));
                return;
        }
        (void)curl.getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
        ret->done = status >= 200 && status < 300;
        ret->again = status >= 500 || status == 408 || status == 429;
        snprintf(ret->text, sizeof(ret->text), "%ld", status);
}

#else

void post_send(const struct post_request *request, struct post_answer *ret) {
        *ret = (struct post_answer){.text = "execrayd was built without webhooks"};
}

#endif
