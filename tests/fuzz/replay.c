/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a fuzz target over every file of the directories named: the corpus as a test. */
#include "must.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

/* A target may have one. */
__attribute__((weak)) int LLVMFuzzerInitialize(int *argc, char ***argv);

/* Returns 1 for a file that was run, 0 for an entry that is none. */
static int replay(const char *directory, const char *name)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = name[0] == '.' ? NULL : fopen(path, "rb");
    if (file == NULL)
        return 0;
    static uint8_t content[1 << 20];
    size_t size = fread(content, 1, sizeof content, file);
    (void)fclose(file);
    /* A block of exactly this size, so that a sanitizer sees a read past the end. */
    uint8_t *exact = malloc(size > 0 ? size : 1);
    must(exact != NULL);
    for (size_t i = 0; i < size; i++)
        exact[i] = content[i];
    (void)LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    return 1;
}

int main(int argc, char **argv)
{
    int runs = 0;
    if (LLVMFuzzerInitialize != NULL)
        (void)LLVMFuzzerInitialize(&argc, &argv);
    for (int i = 1; i < argc; i++) {
        DIR *directory = opendir(argv[i]);
        if (directory == NULL) {
            perror(argv[i]);
            return 1;
        }
        for (struct dirent *e = readdir(directory); e != NULL; e = readdir(directory))
            runs += replay(argv[i], e->d_name);
        (void)closedir(directory);
    }
    printf("%d inputs\n", runs);
    return runs > 0 ? 0 : 1;
}
