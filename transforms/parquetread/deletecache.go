package parquetread

import linked "container/list"

// cache keeps what was made last, as much of it as fits into a number of bytes, and the last in any case.
type cache[T any] struct {
	most  int64
	bytes int64
	known map[string]*linked.Element // whose values are of cached[T]
	order linked.List                // the one that was asked for last comes first
}

// cached is one of what a cache keeps.
type cached[T any] struct {
	key   string
	value T
	bytes int64
}

// get is what a key stands for. It is made, and said how many bytes it takes, if it is not there.
func (c *cache[T]) get(key string, load func() (T, int64, error)) (T, error) {
	if element, ok := c.known[key]; ok {
		c.order.MoveToFront(element)
		return element.Value.(cached[T]).value, nil
	}
	value, bytes, err := load()
	if err != nil {
		return value, err
	}
	c.keep(cached[T]{key, value, bytes + int64(len(key))})
	return value, nil
}

func (c *cache[T]) keep(made cached[T]) {
	if c.known == nil {
		c.known = map[string]*linked.Element{}
	}
	c.known[made.key] = c.order.PushFront(made)
	c.bytes += made.bytes
	for c.bytes > c.most && c.order.Len() > 1 {
		oldest := c.order.Remove(c.order.Back()).(cached[T])
		delete(c.known, oldest.key)
		c.bytes -= oldest.bytes
	}
}
