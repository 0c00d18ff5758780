// The only function of the object, in no section of its own, which calls itself.
int endless(int *depth) {
    if (++*depth > 8) return 0;
    int result = endless(depth);
    return result + *depth;
}
