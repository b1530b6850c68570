/* SPDX-License-Identifier: Apache-2.0 */
/* One subject of suite bpf, as a program: main() of test-bpf-NAME.c, which goes by the name SUBJECT here. */
int SUBJECT(void);

int main(void) {
        return SUBJECT();
}
