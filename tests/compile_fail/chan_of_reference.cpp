#include <weft/weft.hpp>

#ifdef WEFT_MISUSE
const weft::chan<int&> c;
#else
const weft::chan<int*> c;
#endif
