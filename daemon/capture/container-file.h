/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Container file - what a runtime has written down about a container: its name and its image.
 *
 * Each runtime leaves a JSON file where root alone can write: Docker's config.v2.json, the bundle's config.json of
 * containerd and CRI-O (annotations), the list of containers/storage (Podman). Who may start a container chooses much
 * of what is in it, so the bytes are not trusted: a regular file of bounded size, owned by root, reached without links
 * below the runtime's directory, read by a strict reader. What is not found is not known; nothing is guessed. */

#include <stdbool.h>
#include <stddef.h>

#include "event/cgroup-path.h"

#define CONTAINER_FILE_MAX ((size_t)256 << 10)  /* bytes of a file about one container */
#define CONTAINER_LIST_MAX ((size_t)1 << 20)    /* of a list of all */
#define CONTAINER_NAME_MAX 256
#define CONTAINER_IMAGE_MAX 512

struct container_info {
        enum container_runtime runtime; /* whose file it was; CONTAINER_OTHER: it does not say */
        char name[CONTAINER_NAME_MAX];  /* ended by NUL; "": not known. A name that does not fit is not known */
        char image[CONTAINER_IMAGE_MAX];
};

enum container_form {
        CONTAINER_FORM_DOCKER,          /* an object with Name and Config.Image */
        CONTAINER_FORM_BUNDLE,          /* an OCI runtime configuration with annotations */
        CONTAINER_FORM_STORAGE,         /* a list of objects with id, names and metadata */
};

/* What these bytes say of the container with this id (64 hex digits). Returns 1 if they say something, 0 if they do not
 * know it, -EBADMSG if they are not in this form, -ENOMEM. */
int container_file_parse(enum container_form form, const char *bytes, size_t n, const char *id,
                         struct container_info *ret);

/* Look for the container where its runtime would have written it down, or any runtime if that is CONTAINER_OTHER.
 * `root` is where the host's file system is, "" for that of this process. 1 if something is known, 0 if nothing is, or
 * the error that was in the way of the last file (-EBADMSG, -EPERM: not root's alone, -EFBIG, -ENOMEM, ...). */
int container_file_read(const char *root, enum container_runtime runtime, const char *id, struct container_info *ret);
